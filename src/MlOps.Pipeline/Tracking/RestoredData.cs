namespace MlOps.Pipeline.Tracking;

/// <summary>
/// A raw dataset version that somebody made the newest again. Runs for which nobody names a file read it until a newer raw file comes, which is told by
/// storage's own times of the files and by no host's clock.
/// </summary>
/// <param name="Version">The version.</param>
/// <param name="At">When.</param>
/// <param name="By">Who.</param>
/// <param name="Newest">The newest raw file then; null: there was none.</param>
public sealed record RestoredData(string Version, DateTimeOffset At, string By, RestoredOver? Newest)
{
    /// <summary>Whether a file is older than this, or was there already.</summary>
    public bool IsNewerThan(RestoredOver? file) =>
        file is null || (Newest is not null && (file.Written < Newest.Written || file == Newest));
}

/// <param name="File">The blob.</param>
/// <param name="Written">When it was written, by storage's clock.</param>
/// <param name="ETag">What it was.</param>
public sealed record RestoredOver(string File, DateTimeOffset Written, string ETag);

namespace MlOps.Pipeline.Deletion;

/// <summary>What became of a deletion. The second of the same finds nothing any more, and harms nothing.</summary>
/// <param name="Found">Whether there was such a thing.</param>
/// <param name="Refusal">Why it was not deleted, and what to do; null when it is gone.</param>
public sealed record DeletionResult(bool Found, string? Refusal)
{
    public static DeletionResult Done { get; } = new(Found: true, Refusal: null);

    public static DeletionResult Unknown { get; } = new(Found: false, Refusal: null);

    public static DeletionResult Refused(string why) => new(Found: true, why);
}

namespace MlOps.Serving.Monitoring;

/// <summary>How the prediction log is compacted.</summary>
public sealed record CompactionOptions
{
    /// <summary>How long after its end an hour stays as it was written: for writers that are late, and clocks that differ.</summary>
    public TimeSpan After { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>About how many bytes of lines go into one compacted blob: what a compaction takes of disk and memory.</summary>
    public long BlobBytes { get; init; } = 256 * 1024 * 1024;

    /// <summary>A compaction takes seconds. A host that has not ended one after this time is dead, and another begins it anew.</summary>
    public TimeSpan ClaimLasts { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>After this time a look begins nothing new: the next one goes on.</summary>
    public TimeSpan LongestLook { get; init; } = TimeSpan.FromSeconds(30);
}

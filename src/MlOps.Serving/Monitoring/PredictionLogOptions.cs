namespace MlOps.Serving.Monitoring;

/// <summary>How the prediction log uses this machine and storage.</summary>
public sealed record PredictionLogOptions
{
    /// <summary>Longest time that a row waits to be written.</summary>
    public TimeSpan WriteEvery { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>From this many waiting bytes on, writing does not wait for its time.</summary>
    public int EnoughBytes { get; init; } = 2 * 1024 * 1024;

    /// <summary>Most bytes that wait in memory; rows that come while there are so many are not kept.</summary>
    public int MostBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>Most requests that wait in memory.</summary>
    public int MostRequests { get; init; } = 50_000;

    /// <summary>A larger row is not kept.</summary>
    public int MostRowBytes { get; init; } = 256 * 1024;

    /// <summary>About how large a blob gets before the next one is begun: who wants the newest rows need not read a whole hour's.</summary>
    public int BlobBytes { get; init; } = 32 * 1024 * 1024;

    /// <summary>Pause after a failed write.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a host that stops may take to write what waits.</summary>
    public TimeSpan LastWrite { get; init; } = TimeSpan.FromSeconds(5);
}

namespace MlOps.Serving.Models;

/// <summary>What a host decides about serving.</summary>
public sealed record ServingOptions
{
    /// <summary>How often the production alias of a model in use is read again, at most.</summary>
    public TimeSpan RefreshEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// A model that nobody asked for during this time is re-checked before it answers, so that the first caller after a quiet
    /// night does not get yesterday's version.
    /// </summary>
    public TimeSpan StaleAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest time that such a first caller waits for the re-check; then the loaded version answers.</summary>
    public TimeSpan StaleWait { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Longest time between two tries to read, or to load, what keeps failing.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Most models that stay loaded; of more, those go that were not asked for the longest.</summary>
    public int MostModels { get; init; } = 100;

    /// <summary>Most bytes of stored files that the loaded models may come to; they take several times as much in memory.</summary>
    public long MostModelBytes { get; init; } = 256L << 20;

    /// <summary>Most versions that stay loaded because they were asked for by number.</summary>
    public int MostVersions { get; init; } = 10;

    /// <summary>Threads that explaining may take, all requests together: the others answer meanwhile. 1 or more.</summary>
    public int ExplainThreads { get; init; } = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>Threads that reading and scoring the rows of one request may take, where there are hundreds: it is over soon.</summary>
    public int ManyRowsThreads { get; init; } = Environment.ProcessorCount;

    /// <summary>What a caller is told to wait while no version is in production.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromSeconds(5);
}

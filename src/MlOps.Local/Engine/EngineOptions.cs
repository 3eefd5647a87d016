using MlOps.Pipeline.Orchestration;

namespace MlOps.Local.Engine;

/// <summary>What an engine runs: <see cref="TrainingPipeline.RunAsync"/>, or a test's own few stages.</summary>
public delegate Task Orchestrate(IOrchestration orchestration);

/// <summary>How the embedded engine works.</summary>
public sealed record EngineOptions
{
    /// <summary>Runs that work at the same time, at least 1. A run that waits for an approval does not count.</summary>
    public int MostRuns { get; init; } = 2;

    /// <summary>Runs that only ingest and may work beside those: a dropped file does not wait for trainings of other models.</summary>
    public int MostIngests { get; init; } = 1;

    /// <summary>How often storage is asked for what other processes wrote there: new runs, events, cancellations.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a dead engine's runs stay its own: 15 to 60 seconds.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How a stage meets faults that pass.</summary>
    public StageRetry Retry { get; init; } = StageRetry.Default;

    /// <summary>True when no other engine can be on this storage, so that a lease found there is a dead engine's and may be broken at once.</summary>
    public bool SoleOwner { get; init; }
}

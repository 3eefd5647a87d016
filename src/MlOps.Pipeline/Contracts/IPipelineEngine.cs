namespace MlOps.Pipeline.Contracts;

/// <summary>
/// Runs orchestrations durably. The state of a run is read from the run store, which both engines keep.
/// </summary>
public interface IPipelineEngine
{
    /// <summary>Starts a run; starting the same run id again does nothing.</summary>
    Task StartAsync(RunInput input, CancellationToken cancel);

    /// <summary>Delivers an outside event, such as an approval, to a run that waits or will wait for it.</summary>
    Task SignalAsync(string runId, string eventName, string payload, CancellationToken cancel);

    /// <summary>Stops a run; its finished stages stay.</summary>
    Task CancelAsync(string runId, string reason, CancellationToken cancel);
}

/// <summary>What an orchestration starts from. Everything larger is behind <paramref name="DefinitionId"/>.</summary>
/// <param name="RunId">Also the engine's instance id.</param>
/// <param name="Model">The model's name.</param>
/// <param name="DefinitionId">The stored, immutable snapshot of the pipeline definition.</param>
/// <param name="Source">Where the raw file is.</param>
/// <param name="Candidates">Key of every candidate, in the definition's order.</param>
/// <param name="ApprovalTimeout">How long to wait for a person before promotion; null when no approval is asked for.</param>
/// <param name="Expects">Whether the definition expects anything of the table.</param>
public sealed record RunInput(
    string RunId, string Model, string DefinitionId, string Source, IReadOnlyList<string> Candidates, TimeSpan? ApprovalTimeout, bool Expects = false)
{
    /// <summary>How a version is let at the requests before it goes into production; null: it goes there at once.</summary>
    public CanaryPlan? Canary { get; init; }

    /// <summary>The version that the run is to bring into production, and makes none itself; null: it trains one.</summary>
    public CanaryOrder? CanaryOf { get; init; }

    /// <summary>With what the run scores its table, and makes no version; null: it trains one.</summary>
    public ScoreOrder? ScoreWith { get; init; }
}

namespace MlOps.Pipeline.Stages;

/// <summary>
/// One step of a run. Idempotent: it may run twice, even at the same moment, and ends in the same state.
/// Takes and returns small records of references, never data.
/// </summary>
public interface IStage<TInput, TOutput>
    where TOutput : IStageOutput
{
    /// <summary>The stage's name in runs, routes and logs, such as <c>ingest</c>.</summary>
    static abstract string Name { get; }

    /// <summary>Does the step.</summary>
    /// <param name="context">The run it is a step of.</param>
    /// <param name="input">What the steps before came to.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="Contracts.InputException">The input is wrong; trying again cannot help.</exception>
    Task<TOutput> RunAsync(StageContext context, TInput input, CancellationToken cancel);
}

/// <summary>What every stage tells about itself besides its result.</summary>
public interface IStageOutput
{
    StageReport Report { get; }

    /// <summary>The dataset versions that it made or found, each with what it is to the model: see <see cref="Tracking.DataEntry.Stages"/>.</summary>
    IEnumerable<(string Stage, Data.DatasetRef Version)> Versions => [];
}

/// <summary>A stage's own account of what it did.</summary>
/// <param name="Rows">Rows of the data that the stage wrote or used; null where rows have no meaning.</param>
/// <param name="Reused">True when the result of an earlier run with the same content and parameters was taken.</param>
public sealed record StageReport(long? Rows = null, bool Reused = false);

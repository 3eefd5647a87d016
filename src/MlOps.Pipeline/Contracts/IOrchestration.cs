using MlOps.Pipeline.Orchestration;

namespace MlOps.Pipeline.Contracts;

/// <summary>
/// All that <see cref="TrainingPipeline"/> may do. Each engine has its adapter. Calls are answered from the record when the
/// orchestration is run again after a crash, so the pipeline must be deterministic between them.
/// </summary>
public interface IOrchestration
{
    string RunId { get; }

    /// <summary>The current time as the orchestration sees it: the same value on every replay.</summary>
    DateTimeOffset UtcNow { get; }

    /// <summary>True when stages may run on several machines: what can be is then done part by part, side by side. Always the same for an engine.</summary>
    bool ScalesOut { get; }

    /// <summary>Runs a stage, or answers from the record when this run has finished it before.</summary>
    /// <exception cref="StageFailedException">The stage failed for good.</exception>
    Task<TOutput> RunStageAsync<TStage, TInput, TOutput>(string key, TInput input, StageRetry retry)
        where TStage : IStage<TInput, TOutput>
        where TOutput : IStageOutput;

    /// <summary>Waits for an event from outside, such as an approval; null when the time is over.</summary>
    Task<string?> WaitForEventAsync(string name, TimeSpan timeout);
}

/// <summary>A stage failed and no retry helps.</summary>
public sealed class StageFailedException : Exception
{
    public StageFailedException() { }

    public StageFailedException(string message) : base(message) { }

    public StageFailedException(string message, Exception innerException) : base(message, innerException) => IsWrongInput = innerException is InputException;

    /// <summary>True when the stage refused its input: the same input again can never pass.</summary>
    public bool IsWrongInput { get; init; }
}

using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Stages;

namespace MlOps.Pipeline.Orchestration;

/// <summary>
/// All that <see cref="TrainingPipeline"/> may do. Each engine has its adapter. Calls are answered from the record when the
/// orchestration is run again after a crash, so the pipeline must be deterministic between them.
/// </summary>
public interface IOrchestration
{
    /// <summary>What the orchestration starts from.</summary>
    RunInput Run { get; }

    /// <summary>True when stages may run on several machines: what can be is then done part by part, side by side. Always the same for an engine.</summary>
    bool ScalesOut { get; }

    /// <summary>Runs a stage, or answers from the record when this run has finished it before.</summary>
    /// <param name="stage">Which one.</param>
    /// <param name="input">What it is given.</param>
    /// <param name="key">Tells calls of the same stage apart.</param>
    /// <exception cref="StageFailedException">The stage failed for good.</exception>
    Task<TOutput> RunAsync<TInput, TOutput>(Stage<TInput, TOutput> stage, TInput input, string key = "")
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

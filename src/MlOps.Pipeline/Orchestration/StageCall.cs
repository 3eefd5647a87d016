
namespace MlOps.Pipeline.Orchestration;

/// <summary>One call of a stage within a run.</summary>
/// <param name="RunId">The run.</param>
/// <param name="DefinitionId">The snapshot of the definition that it uses.</param>
/// <param name="Key">Tells calls of the same stage apart; empty for the only one.</param>
/// <param name="Input">What the stage is given.</param>
public sealed record StageCall<TInput>(string RunId, string DefinitionId, string Key, TInput Input);

/// <summary>How often and how patiently an engine meets a transient fault of a stage. Wrong input is never retried.</summary>
/// <param name="Attempts">Calls in all, the first included (at least 1).</param>
/// <param name="FirstDelay">Pause before the second call; doubled for every further one.</param>
public sealed record StageRetry(int Attempts, TimeSpan FirstDelay)
{
    public static StageRetry Default { get; } = new(5, TimeSpan.FromSeconds(1));
}

/// <summary>How a call of a stage is named in a log.</summary>
public static class StageCallName
{
    /// <summary>What stands behind the stage's name: nothing of the only call.</summary>
    public static string Behind(string key) => key.Length == 0 ? "" : $" {key}";
}

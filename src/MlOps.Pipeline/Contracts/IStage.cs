
namespace MlOps.Pipeline.Contracts;

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
    /// <exception cref="InputException">The input is wrong; trying again cannot help.</exception>
    Task<TOutput> RunAsync(TInput input, CancellationToken cancel);
}

/// <summary>What every stage tells about itself besides its result.</summary>
public interface IStageOutput
{
    StageReport Report { get; }
}

/// <summary>A stage's own account of what it did.</summary>
/// <param name="Rows">Rows of the data that the stage wrote or used; null where rows have no meaning.</param>
/// <param name="Reused">True when the result of an earlier run with the same content and parameters was taken.</param>
/// <param name="Warnings">What the user should know although the stage went on.</param>
public sealed record StageReport(long? Rows = null, bool Reused = false, IReadOnlyList<string>? Warnings = null)
{
    private const int MostWarnings = 50;
    private const int LongestWarning = 500;

    /// <summary>At most fifty, shortened: a table of thousands of odd columns must not outgrow the record.</summary>
    public IReadOnlyList<string> Warnings { get; } = Cap(Warnings ?? []);

    private static IReadOnlyList<string> Cap(IReadOnlyList<string> warnings)
    {
        IEnumerable<string> shown = warnings.Take(MostWarnings).Select(w => w.Length <= LongestWarning ? w : string.Concat(w.AsSpan(0, LongestWarning), " …"));
        return warnings.Count > MostWarnings + 1 ? [.. shown, $"… and {warnings.Count - MostWarnings} more."] : [.. shown];
    }
}

/// <summary>One call of a stage within a run. <paramref name="Key"/> tells calls of the same stage apart (a candidate's index); empty for the only one.</summary>
public sealed record StageCall<TInput>(string RunId, string Key, TInput Input);

/// <summary>How often and how patiently a transient fault is met. Wrong input is never retried.</summary>
/// <param name="Attempts">Calls in all, the first included (at least 1).</param>
/// <param name="FirstDelay">Pause before the second call; doubled for every further one.</param>
public sealed record StageRetry(int Attempts, TimeSpan FirstDelay)
{
    public static StageRetry Default { get; } = new(5, TimeSpan.FromSeconds(1));
}

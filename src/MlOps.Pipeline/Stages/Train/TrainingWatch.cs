using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace MlOps.Pipeline.Stages.Train;

/// <summary>What is known of a training while it goes on; the training thread writes, another reads.</summary>
/// <param name="runId">The run.</param>
/// <param name="candidate">The candidate's key.</param>
/// <param name="maxMinutes">How long it may train; null when nothing is declared.</param>
internal sealed class TrainingWatch(string runId, string candidate, double? maxMinutes = null)
{
    /// <summary>What FastTree and FastForest log when they begin a tree. LightGBM and SDCA log nothing until they are done.</summary>
    private const string TreeBegins = "numTotalTrees left";

    private const string Elapsed = ".elapsed_seconds";
    private const string TreesSoFar = ".trees_so_far";
    private const string BudgetLeft = ".budget_left_seconds";
    private const string Expected = ".expected_seconds";

    private int begun;
    private TrainingPlan? plan;

    public string RunId => runId;

    public string Candidate => candidate;

    public TimeSpan? Budget { get; } = maxMinutes is { } minutes ? TimeSpan.FromMinutes(minutes) : null;

    /// <summary>Trees that are done, where it is trained several times on average; null while the trainer has told of none.</summary>
    public int? Trees => Volatile.Read(ref begun) is > 0 and var count ? (count - 1) / (Volatile.Read(ref plan)?.Fits ?? 1) : null;

    /// <summary>How long training lasts at most; null when that was not measured, or not yet.</summary>
    public TimeSpan? Lasts => Volatile.Read(ref plan)?.Lasts;

    /// <summary>Notes what the training is going to be.</summary>
    public void Note(TrainingPlan planned) => Volatile.Write(ref plan, planned);

    /// <summary>Listens to ML.NET's log.</summary>
    public void Hear(object? sender, LoggingEventArgs message)
    {
        if (message.Kind == ChannelMessageKind.Trace && message.RawMessage.StartsWith(TreeBegins, StringComparison.Ordinal))
        {
            Interlocked.Increment(ref begun);
        }
    }

    /// <summary>Whether it is a metric of how a training goes, and no result.</summary>
    public static bool IsOne(string metric) => Array.Exists([Elapsed, TreesSoFar, BudgetLeft, Expected], metric.EndsWith);

    /// <summary>All of it as metrics of the run, in seconds and trees.</summary>
    public Dictionary<string, double> Metrics(TimeSpan elapsed)
    {
        var metrics = new Dictionary<string, double> { [candidate + Elapsed] = Seconds(elapsed) };
        if (Trees is { } trees)
        {
            metrics[candidate + TreesSoFar] = trees;
        }
        if (Budget is { } all)
        {
            metrics[candidate + BudgetLeft] = Seconds(all - elapsed);
        }
        if (Lasts is { } lasts)
        {
            metrics[candidate + Expected] = Seconds(lasts);
        }
        return metrics;
    }

    private static double Seconds(TimeSpan time) => Math.Round(time.TotalSeconds, 1);
}

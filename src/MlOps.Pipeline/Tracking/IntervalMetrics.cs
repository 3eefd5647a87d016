namespace MlOps.Pipeline.Tracking;

/// <summary>What the names of a run's metrics start with that are the ends of another metric's 95 % interval, such as <c>ci95_low.val_rmse</c>.</summary>
public static class IntervalMetrics
{
    public const string Low = "ci95_low.";

    public const string High = "ci95_high.";

    public static bool IsOne(string metric) => metric.StartsWith(Low, StringComparison.Ordinal) || metric.StartsWith(High, StringComparison.Ordinal);
}

namespace MlOps.Pipeline.Tracking;

/// <summary>
/// Metrics of a run that tell how it stands to the version that was in production then, such as <c>production_rmse</c>: on the rows by which both can be
/// judged.
/// </summary>
public static class ProductionMetrics
{
    /// <summary>What the names of those begin with that are the production version's own.</summary>
    public const string Prefix = "production_";

    /// <summary>By how much the winner is better than that version, in the unit of the metric that decides; below 0: worse.</summary>
    public const string Gain = "gain_over_production";

    /// <summary>The param of a run that says why it cannot be told which of the rows that version was trained on.</summary>
    public const string Untold = "productionTrainedOn";

    public static bool IsOne(string metric) =>
        metric.StartsWith(Prefix, StringComparison.Ordinal) || metric is Gain or (IntervalMetrics.Low + Gain) or (IntervalMetrics.High + Gain);
}

namespace MlOps.Pipeline.Tracking;

/// <summary>Metrics of what predicts without looking at a row, such as <c>baseline_rmse</c>: of the same rows as <c>val_rmse</c>.</summary>
public static class BaselineMetrics
{
    /// <summary>What their names begin with.</summary>
    public const string Prefix = "baseline_";
}

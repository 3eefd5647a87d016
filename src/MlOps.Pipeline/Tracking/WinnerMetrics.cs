namespace MlOps.Pipeline.Tracking;

/// <summary>What the names of a run's metrics start with that say how good the winner is.</summary>
public static class WinnerMetrics
{
    /// <summary>On the validation rows.</summary>
    public const string Validation = "val_";

    /// <summary>On the test rows, where there are any.</summary>
    public const string Test = "test_";

    public static bool IsOne(string metric) => metric.StartsWith(Validation, StringComparison.Ordinal) || metric.StartsWith(Test, StringComparison.Ordinal);
}

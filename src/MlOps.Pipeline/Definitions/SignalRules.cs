using MlOps.Drift;

namespace MlOps.Pipeline.Definitions;

/// <summary>What becomes of a signal.</summary>
public enum SignalMode
{
    /// <summary>It is judged by its threshold.</summary>
    Judge,
    /// <summary>It is recorded and never a warning.</summary>
    Record,
    /// <summary>It is left out.</summary>
    Off,
}

/// <summary>From where on a signal is a warning.</summary>
public abstract record SignalRule
{
    public SignalMode Mode { get; init; }
}

/// <summary>How predictions are compared with those of the validation rows.</summary>
/// <param name="Test">The drift test; null: <c>wasserstein</c> of numbers and probabilities, <c>jensenshannon</c> of classes.</param>
/// <param name="Threshold">From where on it is a warning; null: the test's own.</param>
public sealed record PredictionDriftRule(DriftTestKind? Test = null, double? Threshold = null) : SignalRule;

/// <param name="RiseAtMost">By how much a column's share of missing, unseen or out-of-range values may be above that of training, 0 to 1.</param>
public sealed record DataQualityRule(double RiseAtMost = 0.05) : SignalRule;

/// <param name="NdcgAtLeast">How alike the order of the features must be, 0 to 1.</param>
public sealed record AttributionDriftRule(double NdcgAtLeast = 0.9) : SignalRule;

/// <param name="DropAtMost">By how much the metric may be worse than on the validation rows, as a share of what it was there.</param>
public record PerformanceRule(double DropAtMost = 0.1) : SignalRule;

/// <param name="DropAtMost">By how much the metric may be worse than on the validation rows, as a share of what it was there.</param>
public sealed record MeasuredPerformanceRule(double DropAtMost = 0.1) : PerformanceRule(DropAtMost)
{
    public static TimeSpan MostDelay { get; } = TimeSpan.FromDays(90);

    /// <summary>How long after its prediction the truth about a row is told: rows are measured that were predicted so long before those of the window.
    /// </summary>
    public TimeSpan Delay { get; init; }
}

/// <summary>What is watched of a model that serves, beside the drift of its features, and from where on it is a warning.</summary>
public sealed record SignalRules
{
    public PredictionDriftRule PredictionDrift { get; init; } = new();
    public DataQualityRule DataQuality { get; init; } = new();
    public AttributionDriftRule AttributionDrift { get; init; } = new();
    public MeasuredPerformanceRule Performance { get; init; } = new();
    public PerformanceRule EstimatedPerformance { get; init; } = new();
}

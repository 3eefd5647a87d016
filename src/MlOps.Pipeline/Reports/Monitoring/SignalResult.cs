namespace MlOps.Pipeline.Reports.Monitoring;

/// <summary>What a signal says of a window of live rows.</summary>
public enum SignalVerdict
{
    Ok,
    Warning,
    /// <summary>Nothing is said of it: there is too little to go by, nothing to compare with, or it is only recorded.</summary>
    NotJudged,
}

/// <summary>The names of the signals.</summary>
public static class SignalNames
{
    public const string FeatureDrift = "featureDrift";
    public const string PredictionDrift = "predictionDrift";
    public const string DataQuality = "dataQuality";
    public const string AttributionDrift = "attributionDrift";
    public const string Performance = "performance";
    public const string EstimatedPerformance = "estimatedPerformance";

    /// <summary>A signal's name as people say it.</summary>
    public static string Said(string name) => name switch
    {
        FeatureDrift => "feature drift",
        PredictionDrift => "prediction drift",
        DataQuality => "data quality",
        AttributionDrift => "attribution drift",
        Performance => "performance",
        EstimatedPerformance => "estimated performance",
        _ => name,
    };
}

/// <summary>One signal of one window.</summary>
/// <param name="Signal">Its name, one of <see cref="SignalNames"/>.</param>
/// <param name="Verdict">What it says.</param>
/// <param name="Text">What was found, or why nothing is said, in one sentence.</param>
public sealed record SignalResult(string Signal, SignalVerdict Verdict, string Text)
{
    /// <summary>What is measured, such as <c>ndcg</c> or <c>rmse</c>; null where nothing was.</summary>
    public string? Measure { get; init; }
    /// <summary>Its value in the window; null where nothing was measured.</summary>
    public double? Value { get; init; }
    /// <summary>What it was when the version was made; null where that is not known, or means nothing.</summary>
    public double? Reference { get; init; }
    /// <summary>From where on it is a warning; null: it is only recorded.</summary>
    public double? Threshold { get; init; }
    /// <summary>The rule in words, such as <c>warning at ≥ 0.1</c>.</summary>
    public string? Rule { get; init; }
    /// <summary>The lower end of its 95 % interval; null where there is none.</summary>
    public double? Low { get; init; }
    /// <summary>The upper end.</summary>
    public double? High { get; init; }
    /// <summary>Rows that it was measured on.</summary>
    public long? Rows { get; init; }
    /// <summary>What it is made up of: columns, features or metrics; those that weigh most, first.</summary>
    public IReadOnlyList<SignalPart> Parts { get; init; } = [];

    /// <summary>Nothing is said.</summary>
    public static SignalResult NotJudged(string signal, string why) => new(signal, SignalVerdict.NotJudged, why);
}

/// <summary>A part of a signal.</summary>
/// <param name="Name">The column, feature or metric.</param>
/// <param name="Value">Its value in the window.</param>
/// <param name="Reference">What it was when the version was made.</param>
/// <param name="IsWarning">Whether it alone makes the signal a warning.</param>
public sealed record SignalPart(string Name, double? Value, double? Reference, bool IsWarning);

/// <summary>A window as the ones after it remember it.</summary>
/// <param name="Until">Its end.</param>
/// <param name="Version">The version whose rows they are.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Signals">What each signal said.</param>
public sealed record WindowPoint(DateTimeOffset Until, int Version, long Rows, IReadOnlyList<SignalPoint> Signals);

/// <summary>What a signal said.</summary>
public sealed record SignalPoint(string Signal, SignalVerdict Verdict, double? Value);

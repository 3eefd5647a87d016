using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Scoring;

/// <summary>
/// What a version was like on its validation rows, which what it does in production is compared with: <c>monitoring.json</c> beside the model. Read by who
/// watches the version, never by who predicts with it.
/// </summary>
/// <param name="Rows">Validation rows.</param>
/// <param name="Missing">Of each input column the share of training rows without a value, 0 to 1, before any was filled in.</param>
public sealed record MonitoringReference(long Rows, IReadOnlyDictionary<string, double> Missing) : IStored
{
    public const string File = "monitoring.json";

    /// <summary>Profiles of the predictions, by <see cref="PredictionColumn"/> and <see cref="ScoreColumn"/>.</summary>
    public const string PredictionsFile = "monitoring_predictions.bin";

    /// <summary>A model of the absolute error of a prediction (regression).</summary>
    public const string AbsoluteErrorFile = "monitoring_absolute_error.zip";

    /// <summary>A model of the squared error of a prediction (regression).</summary>
    public const string SquaredErrorFile = "monitoring_squared_error.zip";

    /// <summary>The predicted value or class.</summary>
    public const string PredictionColumn = "prediction";

    /// <summary>Binary: the probability of the positive class.</summary>
    public const string ScoreColumn = "probability";

    /// <summary>Every file of it; the errors' models are there where <see cref="Errors"/> is.</summary>
    public static IReadOnlyList<string> Files { get; } = [File, PredictionsFile, AbsoluteErrorFile, SquaredErrorFile];

    public static int CurrentFormat => 1;

    public static string StoredAs => "monitoring reference";

    public int Format { get; init; } = CurrentFormat;

    /// <summary>Classes: what makes probabilities what they say, of two classes one, of more one each; null: the rows are too few to estimate by.</summary>
    public IReadOnlyList<Calibration>? Calibrations { get; init; }

    /// <summary>Regression: the units in which the models of the error predict; null: the rows are too few to estimate by.</summary>
    public ErrorScales? Errors { get; init; }

    /// <summary>What would have been estimated of the validation rows without their truth, by metric.</summary>
    public IReadOnlyDictionary<string, double> Estimated { get; init; } = new Dictionary<string, double>();
}

/// <summary>Log-odds times a slope, plus an offset.</summary>
public sealed record Calibration(double Slope, double Offset)
{
    /// <summary>Leaves probabilities as they are.</summary>
    public static Calibration None { get; } = new(1, 0);
}

/// <summary>The units in which the models of the error predict; null: the error's own.</summary>
public sealed record ErrorScales(TargetScale? Absolute, TargetScale? Squared);

/// <summary>How much each feature counts on the validation rows: <c>importance.json</c> beside the model.</summary>
/// <param name="Features">By feature the mean absolute SHAP value.</param>
public sealed record FeatureImportance(IReadOnlyDictionary<string, double> Features) : IStored
{
    public const string File = "importance.json";

    public static int CurrentFormat => 1;

    public static string StoredAs => "feature importance";

    public int Format { get; init; } = CurrentFormat;
}

using System.Globalization;
using Microsoft.Extensions.Configuration;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Deletion;

/// <summary>How long what is kept is kept.</summary>
/// <param name="RunDays">Days after its end that a run stays; null: for good.</param>
public sealed record RetentionOptions(int? RunDays)
{
    /// <summary>What <c>PREDICTION_DAYS</c> of an Azure deployment is when nobody sets it.</summary>
    public const int UsualPredictionDays = 90;

    private const int Most = 36_500;

    /// <summary>Days that rows which were predicted, what was told of them, and checks of them stay.</summary>
    public int PredictionDays { get; init; } = UsualPredictionDays;

    /// <summary>
    /// Reads a host's settings: <c>Runs:KeepDays</c> (<c>Runs__KeepDays</c>, or <c>MLOPS_KEEP_RUNS_DAYS</c>, in the environment) and
    /// <c>Predictions:KeepDays</c> (<c>Predictions__KeepDays</c>, or <c>MLOPS_KEEP_PREDICTIONS_DAYS</c>).
    /// </summary>
    /// <exception cref="InputException">One of them is no number of days.</exception>
    public static RetentionOptions Read(IConfiguration configuration)
    {
        const string RunsStay = "Without it runs are kept for good.";
        const string PredictionsStay = "Without it predictions are kept for 90 days.";
        return new(DaysOf(configuration, "Runs:KeepDays", RunsStay) ?? DaysOf(configuration, "MLOPS_KEEP_RUNS_DAYS", RunsStay))
        {
            PredictionDays = DaysOf(configuration, "Predictions:KeepDays", PredictionsStay)
                ?? DaysOf(configuration, "MLOPS_KEEP_PREDICTIONS_DAYS", PredictionsStay) ?? UsualPredictionDays,
        };
    }

    private static int? DaysOf(IConfiguration configuration, string key, string without)
    {
        if (configuration[key] is not { Length: > 0 } text)
        {
            return null;
        }
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var days) && days is >= 1 and <= Most
            ? days
            : throw new InputException($"The setting {key} is '{text}'; it must be a number of days, 1 to {Most}. {without}");
    }
}

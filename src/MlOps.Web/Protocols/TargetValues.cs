using System.Globalization;
using System.Text.Json;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Scoring;
using MlOps.Serving.Models;
using MlOps.Serving.Predictions;

namespace MlOps.Web.Protocols;

/// <summary>How predicted values look where a protocol has types: labels that are all numbers are numbers, and true and false are no texts.</summary>
/// <param name="contract">What the version gives.</param>
/// <param name="task">What it predicts.</param>
internal sealed class TargetValues(ModelContract contract, TaskKind task)
{
    public static TargetValues Of(PredictionResult.Predicted predicted) => new(predicted.Contract, predicted.Task);

    public bool IsClasses => task != TaskKind.Regression;

    public IReadOnlyList<string> Labels => contract.Labels;

    /// <summary>By the names of the Open Inference Protocol.</summary>
    public string Datatype { get; } = task == TaskKind.Regression ? "FP64"
        : contract.Labels.All(IsWhole) ? "INT64"
        : contract.Labels.All(IsNumber) ? "FP64"
        : contract.Labels.All(label => label is "true" or "false") ? "BOOL"
        : "BYTES";

    /// <summary>Writes what was predicted.</summary>
    /// <param name="json">Takes it.</param>
    /// <param name="prediction">The prediction.</param>
    /// <param name="write">Writes a number, which may be none that JSON has.</param>
    public void Write(Utf8JsonWriter json, Prediction prediction, Action<Utf8JsonWriter, double> write)
    {
        if (!IsClasses)
        {
            write(json, prediction.Score);
            return;
        }
        switch (Datatype)
        {
            case "INT64":
                json.WriteNumberValue(long.Parse(prediction.Label!, CultureInfo.InvariantCulture));
                break;
            case "FP64":
                json.WriteNumberValue(double.Parse(prediction.Label!, CultureInfo.InvariantCulture));
                break;
            case "BOOL":
                json.WriteBooleanValue(bool.Parse(prediction.Label!));
                break;
            default:
                json.WriteStringValue(prediction.Label);
                break;
        }
    }

    /// <summary>The probability of each class, in the order of <see cref="Labels"/>.</summary>
    public static IReadOnlyList<double> Probabilities(Prediction prediction) => prediction.Probabilities ?? [1 - prediction.Score, prediction.Score];

    // As the number would be written: a code such as 007 is a text.
    private static bool IsWhole(string label) =>
        long.TryParse(label, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
        && number.ToString(CultureInfo.InvariantCulture) == label;

    private static bool IsNumber(string label) =>
        double.TryParse(label, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
        && number.ToString(CultureInfo.InvariantCulture) == label;
}

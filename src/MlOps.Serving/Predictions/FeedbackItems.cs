using System.Globalization;
using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Serving.Feedback;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Predictions;

/// <summary>Reads what people tell of predictions.</summary>
public static class FeedbackItems
{
    private const int MostProblems = 100;

    /// <summary>What an item, or a line of a CSV, may have.</summary>
    public static IReadOnlyList<string> Columns { get; } = ["id", "key", "actual"];

    /// <summary>Reads a CSV with the columns <c>actual</c>, and <c>id</c> or <c>key</c>.</summary>
    /// <exception cref="InputException">It is none, or has other columns.</exception>
    public static IReadOnlyList<JsonElement> ReadCsv(ReadOnlyMemory<byte> text, InputLimits limits, RowsBuilder rows)
    {
        var csv = new CsvRows(Columns, limits);
        csv.Read(text, header =>
        {
            if (!header.Contains("actual") || !(header.Contains("id") || header.Contains("key")) || header.Except(Columns).FirstOrDefault() is not null)
            {
                throw new InputException($"The first line is {string.Join(',', header)}; it must name 'actual', and 'id' or 'key', and nothing else.");
            }
            return _ => true;
        }, rows, starts: []);
        return rows.Build();
    }

    /// <summary>Reads items, all or none.</summary>
    /// <param name="items">Each an object with <c>id</c> or <c>key</c>, and <c>actual</c>.</param>
    /// <param name="model">What the model can predict.</param>
    /// <param name="now">When they are told.</param>
    /// <exception cref="InputException">One is no feedback; each problem names its place.</exception>
    public static IReadOnlyList<FeedbackItem> Read(IReadOnlyList<JsonElement> items, PredictionResult.Predicted model, DateTimeOffset now)
    {
        var (read, problems) = (new List<FeedbackItem>(items.Count), new List<string>());
        for (var i = 0; i < items.Count && problems.Count < MostProblems; i++)
        {
            if (items[i].ValueKind != JsonValueKind.Object)
            {
                problems.Add($"items[{i}] must be an object: {{\"id\" or \"key\", \"actual\"}}.");
                continue;
            }
            var item = new JsonReader(items[i], items.Count == 1 ? "" : $"items[{i}]", problems);
            var (id, key) = (TextOf(item, "id"), TextOf(item, "key"));
            if (id is null == key is null)
            {
                item.Problem(
                    "id", id is null ? "is missing: send the prediction's id, or the key that was sent with its row." : "and key are both given: send one.");
            }
            else if (id is not null && PredictionId.TimeOf(id) is null)
            {
                item.Problem("id", "is no prediction's id: send it as /predict gave it.");
            }
            else if (id is not null && PredictionId.TimeOf(id) > now.AddMinutes(5))
            {
                item.Problem("id", "is of a prediction that is still to come.");
            }
            else if (key is not null && RowKey.ProblemOf(key) is { } wrong)
            {
                item.Problem("key", wrong);
            }
            if (ActualOf(item, model) is { } actual)
            {
                read.Add(new FeedbackItem(id, key, actual, now));
            }
            item.RejectUnknown();
        }
        return problems.Count == 0 ? read : throw new InputException([.. problems.Take(MostProblems)]);
    }

    /// <summary>A cell of a CSV that is empty is none.</summary>
    private static string? TextOf(JsonReader item, string name) =>
        item.Take(name) is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Undefined) } && item.Text(name) is { Length: > 0 } text ? text : null;

    /// <summary>The value as the model's data spell it; null, and a problem, when it can be none of its target's.</summary>
    private static string? ActualOf(JsonReader item, PredictionResult.Predicted model)
    {
        var json = item.Take("actual");
        var text = json switch
        {
            { ValueKind: JsonValueKind.String } value => value.GetString(),
            { ValueKind: JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False } value => value.GetRawText(),
            _ => null,
        };
        if (text is null)
        {
            item.Problem("actual", json is null or { ValueKind: JsonValueKind.Null }
                ? "is missing: send what came true."
                : "must be a value of the target: a number, a text, true or false.");
            return null;
        }
        if (model.Task == TaskKind.Regression)
        {
            if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number))
            {
                return number.ToString("R", CultureInfo.InvariantCulture);
            }
            item.Problem("actual", $"is '{text}'; the model predicts numbers.");
            return null;
        }
        var labels = model.Contract.Labels;
        if ((labels.FirstOrDefault(label => label == text) ?? labels.FirstOrDefault(label => MeansTheSame(label, text))) is { } spelled)
        {
            return spelled;
        }
        if (model.Task == TaskKind.Multiclass)
        {
            // A class that the model does not know came true all the same: every version was wrong.
            return text;
        }
        item.Problem("actual", $"is '{text}'; it must be one of {string.Join(", ", labels)}.");
        return null;
    }

    private static bool MeansTheSame(string label, string text) => string.Equals(label, text, StringComparison.OrdinalIgnoreCase)
        || (double.TryParse(label, NumberStyles.Float, CultureInfo.InvariantCulture, out var one)
            && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var other) && one.Equals(other));
}

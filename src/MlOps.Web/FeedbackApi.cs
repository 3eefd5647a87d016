using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Serving.Feedback;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Predictions;

namespace MlOps.Web;

/// <summary>What came true of predictions.</summary>
public static class FeedbackApi
{
    private const int MostProblems = 100;

    private static readonly string[] Columns = ["id", "key", "actual"];

    /// <summary>Keeps feedback; the answer comes when all of it is stored, and the same again changes nothing.</summary>
    public static async Task<IResult> PostAsync(
        HttpRequest request, ScoringService scoring, FeedbackStore store, InputLimits limits, TimeProvider time, CancellationToken cancel)
    {
        var type = TextType.Read(request.ContentType);
        using var rows = new RowsBuilder();
        using var body = type.Is(CsvStream.Type) ? null : await JsonBody.ReadAsync(request, limits, cancel)
            ?? throw new BadHttpRequestException(
                "The body is empty. Send {\"model\", \"id\", \"actual\"} for one prediction or {\"model\", \"items\": […]} for several.");
        var told = body is null
            ? new Told(request.Query["model"] is [{ Length: > 0 } named, ..] ? named : null, await ReadCsvAsync(request, limits, rows, cancel))
            : JsonBody.Read(body.RootElement, Told.Read);
        limits.RejectTooMany(told.Items.Count, "items");
        var known = await scoring.DescribeAsync(told.Model, version: null, cancel);
        if (known is not PredictionResult.Predicted described)
        {
            return PredictionProblems.Of(known);
        }
        var count = await store.AddAsync(described.Model, Read(told.Items, described, time.GetUtcNow()), cancel);
        return TypedResults.Ok(new FeedbackAnswer(described.Model, count.Stored, count.Repeated, count.Changed));
    }

    private static async Task<IReadOnlyList<JsonElement>> ReadCsvAsync(HttpRequest request, InputLimits limits, RowsBuilder rows, CancellationToken cancel)
    {
        var csv = new CsvRows(Columns, limits);
        csv.Read(await JsonBody.ReadBytesAsync(request, limits, cancel), header =>
        {
            if (!header.Contains("actual") || !(header.Contains("id") || header.Contains("key")) || header.Except(Columns).FirstOrDefault() is not null)
            {
                throw new InputException($"The first line is {string.Join(',', header)}; it must name 'actual', and 'id' or 'key', and nothing else.");
            }
            return _ => true;
        }, rows, starts: []);
        return rows.Build();
    }

    private static List<FeedbackItem> Read(IReadOnlyList<JsonElement> items, PredictionResult.Predicted model, DateTimeOffset now)
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

    private sealed record Told(string? Model, IReadOnlyList<JsonElement> Items)
    {
        public static Told Read(JsonReader body)
        {
            var model = body.Text("model");
            if (body.Take("items") is not null)
            {
                return new Told(model, body.Items("items") ?? []);
            }
            var one = body.TakeAll().Where(member => Columns.Contains(member.Key)).ToDictionary(StringComparer.Ordinal);
            return new Told(model, [JsonSerializer.SerializeToElement(one)]);
        }
    }
}

/// <summary>The body of <c>POST /feedback</c> for one prediction.</summary>
/// <param name="Actual">What came true: a value of the target as it stands in the data.</param>
/// <param name="Id">The prediction's id.</param>
/// <param name="Key">In place of the id: whom or what it is about. The newest prediction of the key before now is meant.</param>
/// <param name="Model">Which model; may be left out while only one is in production.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record FeedbackRequest(JsonElement Actual, string? Id, string? Key, string? Model);

/// <summary>The body of <c>POST /feedback</c> for several predictions.</summary>
/// <param name="Items">Each with an id or a key, and what came true.</param>
/// <param name="Model">Which model; may be left out while only one is in production.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record FeedbackItemsRequest(IReadOnlyList<FeedbackItemRequest> Items, string? Model);

/// <summary>What came true of one prediction.</summary>
/// <param name="Actual">A value of the target as it stands in the data.</param>
/// <param name="Id">The prediction's id.</param>
/// <param name="Key">In place of the id: whom or what it is about.</param>
public sealed record FeedbackItemRequest(JsonElement Actual, string? Id, string? Key);

/// <summary>What became of feedback.</summary>
/// <param name="Model">The model.</param>
/// <param name="Stored">Told for the first time.</param>
/// <param name="Repeated">Told before, and the same.</param>
/// <param name="Changed">Told before, and another value: the new one counts.</param>
public sealed record FeedbackAnswer(string Model, int Stored, int Repeated, int Changed);

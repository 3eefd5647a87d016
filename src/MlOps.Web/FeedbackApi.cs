using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Serving.Feedback;
using MlOps.Serving.Predictions;

namespace MlOps.Web;

/// <summary>What came true of predictions.</summary>
public static class FeedbackApi
{
    /// <summary>Keeps feedback; the answer comes when all of it is stored, and the same again changes nothing.</summary>
    public static async Task<IResult> PostAsync(
        HttpRequest request, ScoringService scoring, FeedbackStore store, InputLimits limits, TimeProvider time, CancellationToken cancel)
    {
        var type = TextType.Read(request.ContentType);
        using var rows = new RowsBuilder();
        using var body = type.Is(CsvStream.Type) ? null : await JsonBody.ReadAsync(request, limits, cancel)
            ?? throw new BadHttpRequestException(
                "The body is empty. Send {\"model\", \"id\", \"actual\"} for one prediction or {\"model\", \"items\": […]} for several.");
        var told = body is not null
            ? JsonBody.Read(body.RootElement, Told.Read)
            : new Told(
                request.Query["model"] is [{ Length: > 0 } named, ..] ? named : null,
                FeedbackItems.ReadCsv(await JsonBody.ReadBytesAsync(request, limits, cancel), limits, rows));
        limits.RejectTooMany(told.Items.Count, "items");
        var known = await scoring.DescribeAsync(told.Model, version: null, cancel);
        if (known is not PredictionResult.Predicted described)
        {
            return PredictionProblems.Of(known);
        }
        var count = await store.AddAsync(described.Model, FeedbackItems.Read(told.Items, described, time.GetUtcNow()), cancel);
        return TypedResults.Ok(new FeedbackAnswer(described.Model, count.Stored, count.Repeated, count.Changed));
    }

    private sealed record Told(string? Model, IReadOnlyList<JsonElement> Items)
    {
        public static Told Read(JsonReader body)
        {
            var model = body.Text("model");
            if (body.Take("items") is not null)
            {
                return new Told(model, body.Items("items") ?? []);
            }
            var one = body.TakeAll().Where(member => FeedbackItems.Columns.Contains(member.Key)).ToDictionary(StringComparer.Ordinal);
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

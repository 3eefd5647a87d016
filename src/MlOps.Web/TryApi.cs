using System.Text.Json;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Scoring;
using MlOps.Serving.Predictions;

namespace MlOps.Web;

/// <summary>What a version makes of a row that nobody has asked about: nothing of it is logged, so that what is tried moves no signal.</summary>
public static class TryApi
{
    private const double UsualLevel = 0.9;

    public static async Task<IResult> PostAsync(
        string name, string version, HttpRequest request, ScoringService scoring, InputLimits limits, CancellationToken cancel)
    {
        using var body = await JsonBody.ReadAsync(request, limits, cancel);
        if (body is null)
        {
            return HttpProblems.BadRequest("The body is empty. Send {\"features\": {…}}.");
        }
        var (features, level, everyClass) = JsonBody.Read(body.RootElement, Read);
        if (Names.Version(version) is not { } number)
        {
            return HttpProblems.NotFound($"Model '{name}' has no version '{version}'. GET {Links.Model(name)} lists its versions.");
        }
        return await scoring.TryAsync(name, number, features, level, everyClass, cancel) switch
        {
            PredictionResult.Predicted predicted => TypedResults.Ok(PredictApi.One(predicted, predicted.Predictions[0], predicted.Id)),
            var other => PredictionProblems.Of(other),
        };
    }

    private static (JsonElement Features, double Level, bool EveryClass) Read(JsonReader body)
    {
        var features = body.Take("features");
        if (features is not { ValueKind: JsonValueKind.Object })
        {
            body.Problem("features", "must be an object: column names with their values.");
        }
        var level = body.Number("interval", ConformalScores.LeastLevel, ConformalScores.MostLevel) ?? UsualLevel;
        return (features ?? default, level, body.Flag("explainClasses") == true);
    }
}

/// <summary>The body of <c>POST /models/{name}/versions/{version}/try</c>.</summary>
/// <param name="Features">Raw input columns with their values, as in the training file.</param>
/// <param name="Interval">0.5 to 0.99: the probability of the interval or set; 0.9 when left out.</param>
/// <param name="ExplainClasses">True: of several classes the answer says also how each class's score comes about.</param>
public sealed record TryRequest(IReadOnlyDictionary<string, JsonElement> Features, double? Interval, bool? ExplainClasses);

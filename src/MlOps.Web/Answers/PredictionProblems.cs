using Microsoft.AspNetCore.Http;
using MlOps.Serving.Predictions;

namespace MlOps.Web.Answers;

/// <summary>Why there are no predictions, whatever the protocol.</summary>
internal static class PredictionProblems
{
    /// <param name="result">Not one with predictions.</param>
    /// <param name="howToName">What a caller does who has to say which model is meant, such as <c>name one as 'model'</c>.</param>
    public static IResult Of(PredictionResult result, string howToName = "name one as 'model'") => result switch
    {
        PredictionResult.NoneInProduction { Model: null } none => HttpProblems.TryLater(
            "There is no model yet. PUT /pipelines/{model} declares one, POST /pipelines/{model}/runs trains it.", none.RetryAfter),
        PredictionResult.NoneInProduction none => HttpProblems.TryLater(
            $"Model '{none.Model}' has no version in production yet. GET /runs?model={none.Model} shows its runs.", none.RetryAfter),
        PredictionResult.ModelNotNamed several => HttpProblems.BadRequest($"There are several models; {howToName}: {List(several.Known)}."),
        PredictionResult.UnknownModel unknown => HttpProblems.NotFound(
            unknown.Known.Count == 0
                ? $"There is no model '{unknown.Model}', and no other."
                : $"There is no model '{unknown.Model}'. There is: {List(unknown.Known)}."),
        PredictionResult.UnknownVersion unknown => HttpProblems.NotFound(
            $"Model '{unknown.Model}' has no version {unknown.Version}. GET /models/{unknown.Model}/versions lists those there are."),
        var other => throw new InvalidOperationException($"Unexpected result {other.GetType().Name}."),
    };

    private static string List(IReadOnlyList<string> models)
    {
        const int Most = 20;
        return string.Join(", ", models.Take(Most)) + (models.Count > Most ? $", … ({models.Count} in all)" : "");
    }
}

using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using MlOps.Serving.Predictions;
using MlOps.Web.Protocols;

namespace MlOps.Web;

/// <summary>Whether this host can do its work.</summary>
public static class HealthApi
{
    /// <summary>For probes that ask whether a process is alive, which is not to be ended because storage is away. Answers as MLflow does.</summary>
    public static IResult Ping() => TypedResults.Text("\n");

    /// <summary>Whether storage answers, as servers of the Open Inference Protocol say it; why not is for <c>GET /health</c> to tell.</summary>
    public static async Task<IResult> GetReadyAsync(HealthProbe probe) => await probe.FindProblemAsync() is null
        ? TypedResults.Ok(new InferenceReady(null, true))
        : HttpProblems.Of(StatusCodes.Status503ServiceUnavailable, ["This host is not ready. GET /health says why, to who has signed in."]);

    /// <summary>
    /// Healthy while storage answers within <see cref="WebOptions.HealthTimeout"/>: without the client's long retries. Who has not signed in is told
    /// only whether it is.
    /// </summary>
    public static async Task<IResult> GetHealthAsync(HttpContext http, HealthProbe probe, PredictionService predictions)
    {
        var isKnown = http.User.Identity is { IsAuthenticated: true };
        var models = isKnown ? predictions.Loaded : null;
        return await probe.FindProblemAsync() is { } reason
            ? TypedResults.Json(
                new UnhealthyBody("unhealthy", isKnown ? [reason] : null, models), statusCode: StatusCodes.Status503ServiceUnavailable)
            : TypedResults.Ok(new HealthyBody("healthy", isKnown ? "ok" : null, models));
    }
}

/// <param name="Status"><c>healthy</c>.</param>
/// <param name="Storage"><c>ok</c>; left out for who has not signed in.</param>
/// <param name="Models">The production versions that are loaded; a model is loaded when it is first asked for. Left out for who has not signed in.</param>
public sealed record HealthyBody(
    string Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Storage,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<LoadedModel>? Models);

/// <param name="Status"><c>unhealthy</c>.</param>
/// <param name="Reasons">What is wrong, one sentence each; left out for who has not signed in.</param>
/// <param name="Models">Loaded models go on predicting. Left out for who has not signed in.</param>
public sealed record UnhealthyBody(
    string Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<string>? Reasons,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<LoadedModel>? Models);

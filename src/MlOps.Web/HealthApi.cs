using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Data;
using MlOps.Serving.Predictions;

namespace MlOps.Web;

/// <summary>Whether this host can do its work.</summary>
public static class HealthApi
{
    /// <summary>Healthy while storage answers within <see cref="WebOptions.HealthTimeout"/>: without the client's long retries.</summary>
    public static async Task<IResult> GetHealthAsync(PipelineStorage storage, PredictionService predictions, WebOptions options, CancellationToken cancel)
    {
        var models = predictions.Loaded;
        return await ReasonAgainstAsync(storage, options.HealthTimeout, cancel) is { } reason
            ? TypedResults.Json(new UnhealthyBody("unhealthy", [reason], models), statusCode: StatusCodes.Status503ServiceUnavailable)
            : TypedResults.Ok(new HealthyBody("healthy", "ok", models));
    }

    private static async Task<string?> ReasonAgainstAsync(PipelineStorage storage, TimeSpan timeout, CancellationToken cancel)
    {
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        impatient.CancelAfter(timeout);
        try
        {
            await storage.PingAsync(impatient.Token);
            return null;
        }
        catch (Exception) when (impatient.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            return $"storage: no answer within {timeout.TotalSeconds:0.#} s. Check that it runs and that its connection string is right.";
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            return $"storage: {(fault as Azure.RequestFailedException)?.ErrorCode ?? fault.GetType().Name}. Check its connection string and this host's "
                + $"rights.";
        }
    }
}

/// <param name="Status"><c>healthy</c>.</param>
/// <param name="Storage"><c>ok</c>.</param>
/// <param name="Models">The production versions that are loaded; a model is loaded when it is first asked for.</param>
public sealed record HealthyBody(string Status, string Storage, IReadOnlyList<LoadedModel> Models);

/// <param name="Status"><c>unhealthy</c>.</param>
/// <param name="Reasons">What is wrong, one sentence each.</param>
/// <param name="Models">Loaded models go on predicting.</param>
public sealed record UnhealthyBody(string Status, IReadOnlyList<string> Reasons, IReadOnlyList<LoadedModel> Models);

using Microsoft.AspNetCore.Http;
using MlOps.Serving.Predictions;

namespace MlOps.Web.Protocols;

/// <summary>What other systems' protocols have no place for in their bodies.</summary>
internal static class PredictionHeaders
{
    /// <summary>Tells the id of the request: that of its only row; of several, row i is <c>{id}-{i}</c>.</summary>
    public static void Tell(HttpContext http, PredictionResult.Predicted predicted) => http.Response.Headers["Prediction-Id"] = predicted.Id;
}

using Microsoft.AspNetCore.Http;
using MlOps.Web.Metrics;

namespace MlOps.Web;

/// <summary>What this process has measured since its start.</summary>
public static class MetricsApi
{
    /// <summary>In the Prometheus text format. Every instance of a host answers for itself.</summary>
    public static IResult Get(HttpContext http) =>
        TypedResults.Text(((MetricsListener)http.RequestServices.GetService(typeof(MetricsListener))!).Write(), PrometheusText.ContentType);
}

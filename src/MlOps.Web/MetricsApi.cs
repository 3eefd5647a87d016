using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Web.Metrics;

namespace MlOps.Web;

/// <summary>What this process has measured since its start.</summary>
public static class MetricsApi
{
    /// <summary>In the Prometheus text format. Every instance of a host answers for itself.</summary>
    public static IResult Get(HttpContext http) =>
        TypedResults.Text(http.RequestServices.GetRequiredService<MetricsListener>().Write(), PrometheusText.ContentType);
}

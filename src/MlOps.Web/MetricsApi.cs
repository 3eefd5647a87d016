using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using OpenTelemetry.Metrics;

namespace MlOps.Web;

/// <summary>
/// What this process has measured since its start, in the Prometheus text format; every instance of a host answers for itself. OpenTelemetry's exporter comes
/// as middleware: here it is what answers a route, so that the route has its role, and is there on both hosts.
/// </summary>
public sealed class MetricsApi(IServiceProvider services)
{
    private readonly Lazy<RequestDelegate> scrape = new(() =>
        new ApplicationBuilder(services).UseOpenTelemetryPrometheusScrapingEndpoint(_ => true).Build());

    public static async Task<IResult> GetAsync(HttpContext http, MetricsApi metrics)
    {
        await metrics.scrape.Value(http);
        return Results.Empty;
    }

    /// <summary>
    /// Measures the product's own instruments and the requests that ASP.NET Core counts, for this route and for whichever exporters a host adds.
    /// </summary>
    internal static void AddTo(IServiceCollection services) => services
        .AddSingleton<MetricsApi>()
        .AddOpenTelemetry().WithMetrics(metering => metering
            .AddMeter(Telemetry.Name, "Microsoft.AspNetCore.Hosting")
            // How many requests are under way at the moment of a scrape says nothing, and costs each of them two measurements.
            .AddView("http.server.active_requests", MetricStreamConfiguration.Drop)
            .AddPrometheusExporter(exporter => (exporter.ScopeInfoEnabled, exporter.TargetInfoEnabled) = (false, false)));
}

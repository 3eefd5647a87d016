using System.Diagnostics;
using System.Reflection;
using MlOps.Pipeline.Contracts;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace MlOps.Local.Hosting;

/// <summary>
/// Sends traces and metrics by OTLP, as the standard environment variables say
/// (https://opentelemetry.io/docs/specs/otel/protocol/exporter/): where none of them names an endpoint, nothing of OpenTelemetry is loaded.
/// </summary>
internal static class TelemetryExport
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string TracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    private const string MetricsEndpoint = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";

    public static IServiceCollection AddOpenTelemetryExport(this IServiceCollection services, IConfiguration configuration)
    {
        var isOff = bool.TryParse(configuration["OTEL_SDK_DISABLED"], out var disabled) && disabled;
        var traces = !isOff && (Has(Endpoint) || Has(TracesEndpoint)) && configuration["OTEL_TRACES_EXPORTER"] != "none";
        var metrics = !isOff && (Has(Endpoint) || Has(MetricsEndpoint)) && configuration["OTEL_METRICS_EXPORTER"] != "none";
        return traces || metrics ? services.Add(configuration, traces, metrics) : services;

        bool Has(string name) => configuration[name] is { Length: > 0 };
    }

    private static IServiceCollection Add(this IServiceCollection services, IConfiguration configuration, bool traces, bool metrics)
    {
        var version = Assembly.GetExecutingAssembly().GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion;
        var export = services.AddOpenTelemetry().ConfigureResource(resource => resource
            .AddService("mlops", serviceVersion: version)
            // Read once more: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES go before the name above.
            .AddEnvironmentVariableDetector());
        if (traces)
        {
            services.AddSingleton<IStartupFilter>(new RequestSpans(configuration));
            export.WithTracing(tracing => tracing
                .AddSource(Telemetry.Name)
                .AddProcessor(new ProbesLeftOut())
                .AddOtlpExporter());
        }
        if (metrics)
        {
            export.WithMetrics(metering => metering
                .AddMeter(Telemetry.Name, "Microsoft.AspNetCore.Hosting", "System.Runtime")
                .AddOtlpExporter());
        }
        return services;
    }

    /// <summary>Probes and scrapes come every few seconds and tell nothing: their spans are not sent.</summary>
    private sealed class ProbesLeftOut : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data)
        {
            if (data.Kind == ActivityKind.Server
                && data.GetTagItem(RequestSpans.Path) is "/health" or "/ping" or "/metrics" or "/v2/health/live" or "/v2/health/ready")
            {
                data.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
            }
        }
    }
}

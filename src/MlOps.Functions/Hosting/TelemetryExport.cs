using Azure.Monitor.OpenTelemetry.Exporter;
using Microsoft.Azure.Functions.Worker.OpenTelemetry;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace MlOps.Functions.Hosting;

/// <summary>
/// Sends what the worker tells to Application Insights, to an OTLP endpoint, or to both: <c>telemetryMode</c> of host.json lets the Functions host do so for
/// itself. Where neither is set, nothing of OpenTelemetry is loaded, and the host takes the worker's log.
/// </summary>
internal static class TelemetryExport
{
    private const string Insights = "APPLICATIONINSIGHTS_CONNECTION_STRING";
    private const string InsightsSignIn = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING";
    private const string Otlp = "OTEL_EXPORTER_OTLP_ENDPOINT";

    public static IServiceCollection AddOpenTelemetryExport(this IServiceCollection services, IConfiguration configuration)
    {
        var (toInsights, toOtlp) = (configuration[Insights] is { Length: > 0 }, configuration[Otlp] is { Length: > 0 });
        if (!toInsights && !toOtlp)
        {
            return services;
        }
        var export = services.AddOpenTelemetry()
            .UseFunctionsWorkerDefaults()
            .WithTracing(tracing => tracing.AddSource(Telemetry.Name))
            .WithMetrics(metering => metering.AddMeter(Telemetry.Name));
        if (toInsights)
        {
            export.UseAzureMonitorExporter(options => Configure(options, configuration));
        }
        if (toOtlp)
        {
            // Not UseOtlpExporter, which bears no other exporter beside it.
            export.WithTracing(tracing => tracing.AddOtlpExporter())
                .WithMetrics(metering => metering.AddOtlpExporter())
                .WithLogging(logging => logging.AddOtlpExporter());
        }
        return services.Configure<OpenTelemetryLoggerOptions>(logging => logging.IncludeFormattedMessage = true).AddLogging(LimitLog);
    }

    private static void Configure(AzureMonitorExporterOptions options, IConfiguration configuration)
    {
        // The alert on failed runs reads the log: no line may go with a trace that is not sampled.
        options.EnableTraceBasedLogsSampler = false;
        if (configuration[InsightsSignIn] is { Length: > 0 } signIn)
        {
            options.Credential = StorageConnection.Identity(ClientIdOf(signIn));
        }
    }

    /// <summary>The levels of host.json are those of what the host tells; what the worker sends by itself has these.</summary>
    private static void LimitLog(ILoggingBuilder logging) => logging
        .AddFilter<OpenTelemetryLoggerProvider>("Azure", LogLevel.Warning)
        .AddFilter<OpenTelemetryLoggerProvider>("Microsoft", LogLevel.Warning)
        .AddFilter<OpenTelemetryLoggerProvider>("System", LogLevel.Warning)
        .AddFilter<OpenTelemetryLoggerProvider>(category: null, LogLevel.Information);

    /// <summary>Of <c>ClientId=…;Authorization=AAD</c>; null: the app's own identity.</summary>
    internal static string? ClientIdOf(string signIn) => signIn.Split(';', StringSplitOptions.TrimEntries)
        .FirstOrDefault(part => part.StartsWith("ClientId=", StringComparison.OrdinalIgnoreCase))?["ClientId=".Length..];
}

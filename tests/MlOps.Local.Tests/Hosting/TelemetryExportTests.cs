using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MlOps.Local.Hosting;
using MlOps.Pipeline.Contracts;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace MlOps.Local.Tests.Hosting;

public sealed class TelemetryExportTests
{
    [Fact]
    public async Task Traces_and_metrics_go_where_the_standard_variables_say()
    {
        var received = new ConcurrentQueue<(string Path, string? Type, string Body)>();
        await using var collector = await StartCollectorAsync(received);

        using (var host = HostOf(("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Urls.First()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")))
        {
            await host.StartAsync();
            using (Telemetry.Source.StartActivity("stage of-a-test", ActivityKind.Consumer))
            {
                Telemetry.PredictRows.Add(7, new KeyValuePair<string, object?>(Telemetry.Model, "model-of-a-test"));
            }
        }

        received.Select(request => request.Type).Should().NotBeEmpty().And.OnlyContain(type => type == "application/x-protobuf");
        received.Should().Contain(request => request.Path == "/v1/traces" && request.Body.Contains("stage of-a-test"));
        received.Should().Contain(
            request => request.Path == "/v1/metrics" && request.Body.Contains("mlops.predict.rows") && request.Body.Contains("model-of-a-test"));
        received.Should().OnlyContain(request => request.Body.Contains("service.name"));
    }

    [Theory]
    [InlineData(null, null, false, false)]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SDK_DISABLED", false, false)]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", null, true, false)]
    [InlineData("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", null, false, true)]
    public void Nothing_is_loaded_that_is_not_asked_for(string? endpoint, string? off, bool traces, bool metrics)
    {
        using var host = HostOf((endpoint ?? "none", "http://127.0.0.1:4318"), (off ?? "none", "true"));

        (host.Services.GetService<TracerProvider>() is not null, host.Services.GetService<MeterProvider>() is not null).Should().Be((traces, metrics));
    }

    private static IHost HostOf(params (string Name, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        foreach (var (name, value) in settings)
        {
            builder.Configuration[name] = value;
        }
        builder.Services.AddOpenTelemetryExport(builder.Configuration);
        return builder.Build();
    }

    private static async Task<WebApplication> StartCollectorAsync(ConcurrentQueue<(string Path, string? Type, string Body)> received)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(async http =>
        {
            using var body = new StreamReader(http.Request.Body, System.Text.Encoding.Latin1);
            received.Enqueue((http.Request.Path, http.Request.ContentType, await body.ReadToEndAsync()));
        });
        await app.StartAsync();
        return app;
    }
}

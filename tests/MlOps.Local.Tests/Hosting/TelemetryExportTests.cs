using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
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
                Telemetry.PredictRows.Of("model-of-a-test", version: 1).Add(7);
            }
        }

        received.Select(request => request.Type).Should().NotBeEmpty().And.OnlyContain(type => type == "application/x-protobuf");
        received.Should().Contain(request => request.Path == "/v1/traces" && request.Body.Contains("stage of-a-test"));
        received.Should().Contain(
            request => request.Path == "/v1/metrics" && request.Body.Contains("mlops.predict.rows") && request.Body.Contains("model-of-a-test"));
        received.Should().OnlyContain(request => request.Body.Contains("service.name"));
    }

    [Fact]
    public async Task A_request_s_span_has_the_attributes_of_the_conventions_where_its_trace_is_kept()
    {
        await using var app = await StartTracedAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        http.DefaultRequestHeaders.UserAgent.ParseAdd("test/1");

        await http.GetAsync("/things/7?secret=1");
        await http.SendAsync(new HttpRequestMessage(new HttpMethod("BREW"), "/nowhere"));
        await http.GetAsync("/broken");
        await http.GetAsync("/thrown");
        await http.GetAsync("/answered/5");

        await app.StopAsync();
        var spans = app.Services.GetRequiredService<ConcurrentQueue<Activity>>()
            .Where(span => Equals(span.GetTagItem("server.port"), http.BaseAddress.Port)).ToArray();
        spans.Select(span => span.DisplayName).Should().Equal("GET /things/{id}", "HTTP", "GET /broken", "GET /thrown", "GET /answered/{id}");
        spans[0].TagObjects.Should().BeEquivalentTo(new Dictionary<string, object?>
        {
            ["http.request.method"] = "GET",
            ["server.address"] = http.BaseAddress.Host,
            ["server.port"] = http.BaseAddress.Port,
            ["url.scheme"] = "http",
            ["url.path"] = "/things/7",
            ["user_agent.original"] = "test/1",
            ["network.protocol.version"] = "1.1",
            ["http.response.status_code"] = 200,
            ["http.route"] = "/things/{id}",
        });
        spans[1].GetTagItem("http.request.method").Should().Be("_OTHER");
        spans[1].GetTagItem("http.request.method_original").Should().Be("BREW");
        spans.Select(span => span.GetTagItem("error.type") ?? "none").Should().Equal("none", "none", "503", typeof(InvalidOperationException).FullName!, "500");
        spans.Select(span => span.GetTagItem("http.response.status_code")).Should().Equal(200, 404, 503, 500, 500);
        spans.Select(span => span.Status).Should().Equal(
            ActivityStatusCode.Unset, ActivityStatusCode.Unset, ActivityStatusCode.Error, ActivityStatusCode.Error, ActivityStatusCode.Error);
    }

    [Fact]
    public async Task A_request_whose_trace_is_not_kept_has_no_attributes()
    {
        await using var app = await StartTracedAsync(("OTEL_TRACES_SAMPLER", "always_off"));
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };

        (await http.GetStringAsync("/attributes")).Should().Be("0");
    }

    [Theory]
    [InlineData("parentbased_traceidratio")]
    [InlineData("traceidratio")]
    public async Task A_share_of_the_requests_is_kept_each_with_what_is_begun_within_it(string sampler)
    {
        await using var app = await StartTracedAsync(
            logging => logging.AddProvider(new QuietLog()), ("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", "0.3"));
        using var http = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null }) { BaseAddress = new Uri(app.Urls.First()) };

        var seen = new List<string>();
        for (var i = 0; i < 400; i++)
        {
            seen.Add(await http.GetStringAsync("/work"));
        }

        await app.StopAsync();
        var spans = app.Services.GetRequiredService<ConcurrentQueue<Activity>>();
        var requests = spans.Where(span => Equals(span.GetTagItem("server.port"), http.BaseAddress.Port)).ToArray();
        requests.Select(span => span.TraceId.ToHexString()).Should().BeSubsetOf(seen).And.OnlyHaveUniqueItems();
        requests.Length.Should().BeInRange(70, 170, "of 400");
        requests.Should().OnlyContain(span => span.ParentSpanId == default && span.DisplayName == "GET /work", "nothing comes before them");
        var kept = requests.Select(span => span.TraceId).ToHashSet();
        seen.Where(trace => kept.Contains(ActivityTraceId.CreateFromString(trace))).Should().HaveCount(requests.Length);
        spans.Where(span => span.DisplayName == "inner-of-a-test" && seen.Contains(span.TraceId.ToHexString()))
            .Select(span => (span.TraceId, span.ParentSpanId)).Should().BeEquivalentTo(requests.Select(span => (span.TraceId, span.SpanId)));
    }

    [Theory]
    [InlineData("parentbased_traceidratio", "01", true)]
    [InlineData("parentbased_traceidratio", "00", false)]
    [InlineData("parentbased_always_on", "00", false)]
    [InlineData(null, "01", true)]
    public async Task What_the_caller_has_decided_holds(string? sampler, string flags, bool isKept)
    {
        await using var app = await StartTracedAsync(
            logging => logging.AddProvider(new QuietLog()), ("OTEL_TRACES_SAMPLER", sampler ?? ""), ("OTEL_TRACES_SAMPLER_ARG", "0"));
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        var (trace, parent) = (ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom());
        using var request = new HttpRequestMessage(HttpMethod.Get, "/work");
        request.Headers.Add("traceparent", $"00-{trace}-{parent}-{flags}");

        using var answer = await http.SendAsync(request);

        (await answer.Content.ReadAsStringAsync()).Should().Be(trace.ToHexString());
        await app.StopAsync();
        var spans = app.Services.GetRequiredService<ConcurrentQueue<Activity>>().Where(span => span.TraceId == trace).ToArray();
        spans.Select(span => span.DisplayName).Should().Equal(isKept ? ["inner-of-a-test", "GET /work"] : []);
        spans.Skip(1).Select(span => span.ParentSpanId).Should().Equal(isKept ? [parent] : []);
    }

    [Fact]
    public async Task A_trace_that_is_none_begins_a_new_one()
    {
        await using var app = await StartTracedAsync(logging => logging.AddProvider(new QuietLog()), ("OTEL_TRACES_SAMPLER", "always_on"));
        using var http = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null }) { BaseAddress = new Uri(app.Urls.First()) };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/work");
        request.Headers.TryAddWithoutValidation("traceparent", "no trace");

        using var answer = await http.SendAsync(request);

        var trace = await answer.Content.ReadAsStringAsync();
        await app.StopAsync();
        var span = app.Services.GetRequiredService<ConcurrentQueue<Activity>>().Single(span => span.DisplayName == "GET /work");
        (span.TraceId.ToHexString(), span.ParentSpanId).Should().Be((trace, default(ActivitySpanId)));
        span.TraceId.Should().NotBe(default(ActivityTraceId));
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

    /// <summary>A host that sends its traces nowhere and keeps the spans of its requests, in the order of their ends.</summary>
    private static Task<WebApplication> StartTracedAsync(params (string Name, string Value)[] settings) => StartTracedAsync(_ => { }, settings);

    private static async Task<WebApplication> StartTracedAsync(Action<ILoggingBuilder> log, params (string Name, string Value)[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        log(builder.Logging.ClearProviders());
        foreach (var (name, value) in settings.Append(("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:9/v1/traces")))
        {
            builder.Configuration[name] = value;
        }
        builder.Services.AddOpenTelemetryExport(builder.Configuration);
        var spans = new ConcurrentQueue<Activity>();
        builder.Services.AddSingleton(spans)
            .ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddProcessor(new KeptSpans(spans)));
        var app = builder.Build();
        app.UseWhen(
            http => http.Request.Path.StartsWithSegments("/answered"),
            faults => faults.UseExceptionHandler(handler => handler.Run(http => http.Response.WriteAsync("sorry"))));
        app.MapGet("/answered/{id}", string (string id) => throw new InvalidOperationException(id));
        app.MapGet("/things/{id}", (string id) => id);
        app.MapGet("/broken", () => Results.StatusCode(503));
        app.MapGet("/thrown", string () => throw new InvalidOperationException("no"));
        app.MapGet("/work", () =>
        {
            using var inner = Telemetry.Source.StartActivity("inner-of-a-test");
            return Activity.Current!.TraceId.ToHexString();
        });
        app.MapGet("/attributes", () => Activity.Current!.TagObjects.Count().ToString(System.Globalization.CultureInfo.InvariantCulture));
        await app.StartAsync();
        return app;
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

    /// <summary>Where there is a log, ASP.NET Core begins a span for it, which nobody keeps; so does the program.</summary>
    private sealed class QuietLog : ILoggerProvider
    {
        public ILogger CreateLogger(string categoryName) => new Logger();

        public void Dispose() { }

        private sealed class Logger : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) { }
        }
    }

    private sealed class KeptSpans(ConcurrentQueue<Activity> spans) : OpenTelemetry.BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data) => spans.Enqueue(data);
    }
}

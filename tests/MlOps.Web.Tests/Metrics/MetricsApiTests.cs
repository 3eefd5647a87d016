using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Registry;
using MlOps.Serving;
using MlOps.Testing;

namespace MlOps.Web.Tests.Metrics;

/// <summary><c>GET /metrics</c>, read as Prometheus reads it.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed partial class MetricsApiTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly string model = AzuriteFixture.UniqueModel();
    private WebHost host = null!;

    public async Task InitializeAsync() => host = await WebHost.StartAsync(azurite.NewStorage(), services => services.AddPredictionLog());

    public async Task DisposeAsync() => await host.DisposeAsync();

    [Fact]
    public async Task Predictions_are_counted_and_measured_by_model_and_version()
    {
        await host.Get<ModelRegistry>().AddProductionAsync(model);
        await host.Client.PostJsonAsync("/predict", Body(rows: 3)).ShouldBeAsync(HttpStatusCode.OK);
        await host.Client.PostJsonAsync("/predict", Body(rows: 1)).ShouldBeAsync(HttpStatusCode.OK);
        await host.Client.PostJsonAsync("/predict", $$"""{"model": "{{model}}", "rows": [{"wrong": 1}]}""").ShouldFailAsync(HttpStatusCode.BadRequest);
        await host.Client.PostJsonAsync("/predict", $$"""{"model": "{{model}}-not", "rows": [{"wrong": 1}]}""").ShouldFailAsync(HttpStatusCode.NotFound);

        var samples = await ScrapeAsync();

        var version = $$"""mlops_model_name="{{model}}",mlops_model_version="1" """.TrimEnd();
        samples[$"mlops_predict_rows_total{{{version}}}"].Should().Be(4);
        samples[$"mlops_predict_duration_seconds_count{{{version}}}"].Should().Be(2);
        var buckets = samples.Where(sample => sample.Key.StartsWith($"mlops_predict_duration_seconds_bucket{{{version},", StringComparison.Ordinal)).ToList();
        buckets.Select(bucket => bucket.Value).Should().BeInAscendingOrder();
        buckets.Should().HaveCount(Telemetry.PredictDuration.Advice!.HistogramBucketBoundaries!.Count + 1);
        buckets[^1].Should().Be(new KeyValuePair<string, double>($"mlops_predict_duration_seconds_bucket{{{version},le=\"+Inf\"}}", 2));
        samples[$"mlops_predict_errors_total{{error_type=\"InputException\",mlops_model_name=\"{model}\"}}"].Should().Be(1);
        samples.Keys.Should().NotContain(name => name.Contains(model + "-not"), "a name that a caller made up would be a series of its own");
        samples.Where(sample => sample.Key.StartsWith("http_server_request_duration_seconds_count", StringComparison.Ordinal)
            && sample.Key.Contains("http_route=\"/predict\"")).Sum(sample => sample.Value).Should().Be(4, "of this host, whichever others the process has");
    }

    [Fact]
    public async Task The_dashboard_asks_for_what_there_is()
    {
        await host.Get<ModelRegistry>().AddProductionAsync(model);
        await host.Client.PostJsonAsync("/predict", Body(rows: 1)).ShouldBeAsync(HttpStatusCode.OK);
        Telemetry.PredictErrors.Add(1, new KeyValuePair<string, object?>(Telemetry.ErrorType, "test"), new(Telemetry.Model, model));
        Telemetry.StageDuration.Record(1, [new(Telemetry.Stage, "clean"), new(Telemetry.Model, model), new(Telemetry.StageState, "failed")]);
        Telemetry.DriftShare.Record(0.5, [new(Telemetry.Model, model), new(Telemetry.Version, "1")]);
        var names = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach (var sample in (await ScrapeAsync()).Keys)
        {
            var parts = sample.TrimEnd('}').Split('{', 2);
            names.TryAdd(parts[0], []);
            names[parts[0]].UnionWith(Label().Matches(parts.Length > 1 ? parts[1] : "").Select(label => label.Groups[1].Value));
        }
        var queries = Queries(JsonNode.Parse(await File.ReadAllTextAsync(DashboardFile()))!).ToList();

        queries.Should().HaveCountGreaterThan(10);
        var used = queries.SelectMany(query => Metric().Matches(query).Select(metric => metric.Value)).ToHashSet(StringComparer.Ordinal);
        used.Should().BeSubsetOf(names.Keys);
        used.Select(Family).Should().Contain(names.Keys.Select(Family).Where(family => family.StartsWith("mlops_")), "all is shown");
        foreach (var query in queries)
        {
            var known = Metric().Matches(query).SelectMany(metric => names[metric.Value]).Append("instance").ToHashSet(StringComparer.Ordinal);
            var grouped = By().Matches(query).SelectMany(by => by.Groups[1].Value.Split(", "));
            grouped.Concat(Matcher().Matches(query).Select(label => label.Groups[1].Value)).Should().BeSubsetOf(known, query);
        }
    }

    private async Task<Dictionary<string, double>> ScrapeAsync()
    {
        using var answer = await host.Client.GetAsync("/metrics");
        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        answer.Content.Headers.ContentType!.ToString().Should().Be("text/plain; version=0.0.4; charset=utf-8");
        var samples = new Dictionary<string, double>(StringComparer.Ordinal);
        var family = "";
        foreach (var line in (await answer.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Type().Match(line) is { Success: true } type)
            {
                family = type.Groups[1].Value;
            }
            else if (!line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                var sample = Sample().Match(line);
                sample.Success.Should().BeTrue(line);
                Family(sample.Groups[1].Value.Split('{')[0]).Should().Be(family, "samples stand under their own type");
                samples.Add(sample.Groups[1].Value, Number(sample.Groups[2].Value));
            }
        }
        return samples;
    }

    private string Body(int rows) =>
        $$"""{"model": "{{model}}", "rows": [{{string.Join(',', Enumerable.Repeat("""{"a": 2}""", rows))}}]}""";

    private static double Number(string text) => double.Parse(text.Replace("Inf", "Infinity", StringComparison.Ordinal), CultureInfo.InvariantCulture);

    private static string Family(string name) => Regex.Replace(name, "_(bucket|sum|count)$", "");

    private static IEnumerable<string> Queries(JsonNode dashboard) => dashboard["panels"]!.AsArray()
        .SelectMany(panel => panel!["targets"]!.AsArray()).Select(target => (string)target!["expr"]!)
        .Concat(dashboard["templating"]!["list"]!.AsArray().Select(variable => (string?)variable!["query"]).OfType<string>()
            .Where(query => query.StartsWith("label_values", StringComparison.Ordinal)));

    private static string DashboardFile([CallerFilePath] string source = "") =>
        Path.Combine(Path.GetDirectoryName(source)!, "..", "..", "..", "infra", "grafana", "mlops.json");

    [GeneratedRegex("^# TYPE ([a-z_]+) (counter|gauge|histogram)$")]
    private static partial Regex Type();

    [GeneratedRegex("""^([a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*)?\})?) ([0-9.eE+-]+|\+Inf)$""")]
    private static partial Regex Sample();

    [GeneratedRegex("([a-z_]+)=\"")]
    private static partial Regex Label();

    [GeneratedRegex(@"\b(?:mlops|http_server)_[a-z_]+_(?:total|bytes|share|seconds_(?:bucket|sum|count))\b")]
    private static partial Regex Metric();

    [GeneratedRegex(@"by \(([a-z_, ]+)\)")]
    private static partial Regex By();

    [GeneratedRegex("([a-z_]+)=~?\"")]
    private static partial Regex Matcher();
}

using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports.Drift;
using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;
using MlOps.Testing;

namespace MlOps.Web.Tests.Docs;

/// <summary>
/// A host on which the names of the docs are: models that are really trained on small tables, runs in the states that are shown. What a request of the docs
/// starts is only noted, as nobody waits for it.
/// </summary>
internal sealed class DocWorld : IAsyncDisposable
{
    public const string Taxi = "taxi-fare";

    /// <summary>A run of the docs that waits for a decision.</summary>
    public const string Waiting = "taxi-fare-20261124074916881-f318fa";

    /// <summary>A run of the docs that is cancelled.</summary>
    public const string Running = "taxi-fare-20261124074920541-179198";

    private const string Trips = "trips";
    private const string Irises = "irises";

    private readonly SwitchedEngine engine;

    private DocWorld(WebHost host, SwitchedEngine engine) => (Host, this.engine) = (host, engine);

    public WebHost Host { get; }

    /// <summary>The run that trained the newest version of the taxi's model.</summary>
    public string TrainedRun { get; private set; } = "";

    public static async Task<DocWorld> StartAsync(AzuriteFixture azurite)
    {
        SwitchedEngine? engine = null;
        var host = await WebHost.StartAsync(azurite.NewStorage(), services => services
            .AddSingleton<IReproducer, RecordingReproducer>()
            .Replace(ServiceDescriptor.Singleton<IScorerLoader, ArtifactScorerLoader>())
            .Replace(ServiceDescriptor.Singleton<IPipelineEngine>(given => engine = new SwitchedEngine(new InlineEngine(given)))));
        host.Get<IPipelineEngine>();
        return new DocWorld(host, engine!);
    }

    public ValueTask DisposeAsync() => Host.DisposeAsync();

    /// <summary>A row that a model takes.</summary>
    public static JsonObject RowOf(string text) => text.Contains(Irises, StringComparison.Ordinal)
        ? new JsonObject { ["petal_length"] = 5.1, ["petal_width"] = 1.9 }
        : text.Contains(Trips, StringComparison.Ordinal)
            ? new JsonObject { ["a"] = 1, ["b"] = 2 }
            : new JsonObject
            {
                ["vendor_id"] = "CMT",
                ["rate_code"] = 1,
                ["passenger_count"] = 1,
                ["trip_time_in_secs"] = 1271,
                ["trip_distance"] = 3.8,
                ["payment_type"] = "CRD",
            };

    /// <summary>The table that a file of the docs stands for.</summary>
    public static string FileOf(string path, string? type) => type switch
    {
        "text/csv" => "petal_length,petal_width\n5.1,1.9\n",
        "application/x-ndjson" => RowOf(path).ToJsonString() + "\n",
        _ => TaxiCsv(20),
    };

    /// <summary>The run of this host that a run of the docs stands for: one whose state counts, or that of the training.</summary>
    public string RunOf(string shown, DocRequest request) => shown is Waiting or Running
        ? shown
        : request.Command.Output.Contains("\"state\":\"waiting\"", StringComparison.Ordinal) ? Waiting : TrainedRun;

    /// <summary>Sees to it that what a request is about is there, and in the state that it wants.</summary>
    public async Task PrepareAsync(DocRequest request)
    {
        var body = request.Body ?? "";
        if (request.Method != HttpMethod.Delete)
        {
            await AddModelsAsync(request.Path + body);
        }
        if (request is { Path: "/pipelines/" + Taxi, Status: 201 })
        {
            await Host.Get<DefinitionStore>().DeleteAsync(Taxi, default);
        }
        else if (request.Path.EndsWith("/canary", StringComparison.Ordinal))
        {
            using var ended = await Host.Client.DeleteAsync($"/models/{Taxi}/traffic");
            await Host.Get<ModelRegistry>().SetAliasAsync(Taxi, ModelAlias.Production, 1, "test", default);
        }
        else if (request.Path.EndsWith("/rollback", StringComparison.Ordinal))
        {
            await Host.Get<ModelRegistry>().SetAliasAsync(Taxi, ModelAlias.Production, 2, "test", default);
        }
        else if (request is { Path: "/models/" + Taxi, Status: 204 })
        {
            var runs = Host.Get<RunStore>();
            foreach (var run in await runs.ListUnfinishedAsync(Taxi, default))
            {
                await runs.MarkEndedAsync(run.RunId, RunState.Cancelled, null, default);
            }
        }
        else if (request.Path.EndsWith("/score", StringComparison.Ordinal))
        {
            using var uploaded = await Host.Client.PutAsync($"/{(string)JsonNode.Parse(body)!["source"]!}", new StringContent(TaxiCsv(20)));
        }
    }

    private async Task AddModelsAsync(string names)
    {
        var registry = Host.Get<ModelRegistry>();
        if (names.Contains(Irises, StringComparison.Ordinal) && await registry.FindAsync(Irises, default) is null)
        {
            await TrainAsync(
                Irises, IrisesCsv(),
                """{"target": "species", "task": "multiclass", "candidates": [{"trainer": "lightgbm", "trees": 10}], "train": {"folds": 0}}""");
        }
        else if (names.Contains(Trips, StringComparison.Ordinal) && await registry.FindAsync(Trips, default) is null)
        {
            await TrainAsync(Trips, TripsCsv(), """{"target": "y", "candidates": [{"trainer": "lightgbm", "trees": 10}], "train": {"folds": 0}}""");
            await AddCheckAsync();
        }
        else if (names.Contains(Taxi, StringComparison.Ordinal) || await registry.FindAsync(Taxi, default) is null)
        {
            var taxi = await registry.FindAsync(Taxi, default);
            if (taxi?.Aliases.ContainsKey(ModelAlias.Production) != true)
            {
                await TrainTaxiAsync();
            }
        }
    }

    private async Task TrainTaxiAsync()
    {
        const string Definition = """
            {"target": "fare_amount", "columns": {"trip_id": "ignore"}, "train": {"folds": 0},
             "candidates": [{"trainer": "lightgbm", "trees": 10, "minRowsPerLeaf": 5}]}
            """;
        TrainedRun = await TrainAsync(Taxi, TaxiCsv(300), Definition);
        await TrainAsync(Taxi, TaxiCsv(310), Definition);
        var storage = Host.Get<RunStore>();
        var trained = (await storage.FindAsync(TrainedRun, default))!;
        foreach (var (id, state) in new[] { (Waiting, RunState.Waiting), (Running, RunState.Running) })
        {
            if (await storage.FindAsync(id, default) is null)
            {
                await storage.CreateAsync(trained with { RunId = id, State = state, Version = null }, default);
            }
        }
    }

    private async Task<string> TrainAsync(string model, string csv, string definition)
    {
        engine.Runs = true;
        using var uploaded = await Host.Client.PutAsync($"/raw/{model}/2026-01.csv", new StringContent(csv));
        uploaded.EnsureSuccessStatusCode();
        using var defined = await Host.Client.PutJsonAsync($"/pipelines/{model}", definition);
        defined.EnsureSuccessStatusCode();
        using var started = await Host.Client.PostAsync($"/pipelines/{model}/runs", null);
        engine.Runs = false;
        var run = (string)JsonNode.Parse(await started.Content.ReadAsStringAsync())!["runId"]!;
        var ended = JsonNode.Parse(await Host.Client.GetStringAsync($"/runs/{run}"))!;
        ended["version"].Should().NotBeNull(ended.ToJsonString());
        return run;
    }

    /// <summary>The window that the docs show.</summary>
    private async Task AddCheckAsync()
    {
        var until = new DateTimeOffset(2026, 5, 5, 0, 0, 0, TimeSpan.Zero);
        var check = new LiveDriftCheck
        {
            Model = Trips,
            Version = 1,
            From = until.AddHours(-1),
            Until = until,
            Rows = 1500,
            Drifted = true,
            Reasons = ["drift: a"],
            Told = ["a"],
            Signals = [new SignalResult(SignalNames.PredictionDrift, SignalVerdict.Warning, "moved") { Value = 0.4, Threshold = 0.1 }],
            Traffic = [new VersionTraffic(1, Variants.Production, 1500, 0, 0.021, 0.054)],
            TrafficFrom = until.AddHours(-1),
            Report = new DriftReport("run", Trips, DriftGate.Warn, 0.5, true, []),
        };
        await Host.Get<LiveDriftStore>().TryAddAsync(check, BinaryData.FromString("<p></p>"), default);
        var marks = Host.Get<LiveDriftMarks>();
        var claim = await marks.TryClaimAsync(Trips, TimeSpan.FromHours(1), until, default);
        await marks.ReleaseAsync(claim! with { LookedAt = until, Newest = LiveDriftStore.NameOf(check) }, default);
    }

    private static string TaxiCsv(int rows) => Csv(
        "trip_id,vendor_id,rate_code,passenger_count,trip_time_in_secs,trip_distance,payment_type,fare_amount", rows, (random, i) =>
        {
            var (rate, distance, seconds) = (1 + random.Next(2), Math.Round(random.NextDouble() * 10, 1), 60 + random.Next(2000));
            var (vendor, payment) = (random.Next(2) == 0 ? "CMT" : "VTS", random.Next(2) == 0 ? "CRD" : "CSH");
            return $"{i},{vendor},{rate},{1 + random.Next(4)},{seconds},{distance},{payment},{Math.Round(2.5 * rate + 2 * distance + seconds * 0.005, 2)}";
        });

    private static string IrisesCsv() => Csv("petal_length,petal_width,species", 150, (random, i) =>
    {
        var kind = new[] { "setosa", "versicolor", "virginica" }[i % 3];
        return $"{Math.Round(1.4 + (2 * (i % 3)) + random.NextDouble(), 1)},{Math.Round(0.2 + (0.8 * (i % 3)) + random.NextDouble(), 1)},{kind}";
    });

    private static string TripsCsv() => Csv("a,b,y", 150, (random, i) => $"{i},{Math.Round(random.NextDouble(), 3)},{i * 2}");

    private static string Csv(string header, int rows, Func<Random, int, FormattableString> row)
    {
        var random = new Random(7);
        var csv = new StringBuilder(header).Append('\n');
        for (var i = 0; i < rows; i++)
        {
            csv.Append(row(random, i).ToString(CultureInfo.InvariantCulture)).Append('\n');
        }
        return csv.ToString();
    }

    /// <summary>Runs what the test starts, and only notes what the docs start.</summary>
    private sealed class SwitchedEngine(InlineEngine inline) : IPipelineEngine
    {
        private readonly RecordingEngine noted = new();

        public bool Runs { get; set; }

        public Task StartAsync(RunInput input, CancellationToken cancel) => Runs ? inline.StartAsync(input, cancel) : noted.StartAsync(input, cancel);

        public Task SignalAsync(string runId, string eventName, string payload, CancellationToken cancel) =>
            noted.SignalAsync(runId, eventName, payload, cancel);

        public Task CancelAsync(string runId, string reason, CancellationToken cancel) => noted.CancelAsync(runId, reason, cancel);
    }
}

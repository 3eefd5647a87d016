using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Local.Tests.Processes;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Doctor;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Local.Tests.Faults;

/// <summary>
/// What people and programs ask of a host, all at once, with a note of each "done"; and afterwards, of its storage: is everything there, has everything ended,
/// was nothing done twice?
/// </summary>
/// <param name="folder">Takes the table.</param>
internal sealed class FaultedWork(string folder)
{
    /// <summary>Trained, predicted with, moved.</summary>
    private const string Model = "trips";

    /// <summary>Its files are ingested as they come.</summary>
    private const string Dropped = "dropped";

    private const string Table = "may.csv";

    private static readonly byte[] Unreadable = "\0\u0001 this is no table"u8.ToArray();

    private readonly ConcurrentDictionary<string, string> files = new();
    private readonly ConcurrentDictionary<string, bool> drops = new();
    private readonly ConcurrentDictionary<string, string> definitions = new();
    private readonly ConcurrentQueue<string> runs = new();
    private readonly ConcurrentQueue<int> moves = new();
    private readonly ConcurrentQueue<double> predicted = new();
    private byte[] table = [];
    private int predictions;

    /// <summary>How much was answered with "done".</summary>
    public string Answered => string.Create(
        CultureInfo.InvariantCulture,
        $"{files.Count + drops.Count} files, {definitions.Count} definitions, {runs.Count} runs, {moves.Count} moves of an alias, "
            + $"{predicted.Count} predictions");

    /// <summary>Two versions, trained while nothing is in the way: what runs should come to.</summary>
    public async Task PrepareAsync(FaultedHost host)
    {
        table = await File.ReadAllBytesAsync(await Trips.WriteAsync(folder, rows: 200));
        await host.InsistAsync(FaultedHost.Put(Trips.Definition(Model, trees: 3)));
        await host.InsistAsync(FaultedHost.Put(Trips.Definition(Dropped)));
        await host.InsistAsync(FaultedHost.Put($"/raw/{Model}/{Table}", table));
        await RunAsync(host);
        await RunAsync(host);
    }

    public Task RoundAsync(FaultedHost host) => Task.WhenAll(
        RunAsync(host),
        Task.Run(async () =>
        {
            await UploadAsync(host);
            await DropAsync(host, isGood: true);
            await DropAsync(host, isGood: drops.Count % 3 != 1);
        }),
        Task.Run(async () =>
        {
            await DeclareAsync(host);
            await DeclareAsync(host);
            await MoveAsync(host);
            await MoveAsync(host);
        }),
        Task.Run(async () =>
        {
            for (var row = 0; row < 20; row++)
            {
                await PredictAsync(host);
            }
        }));

    /// <summary>Returns when nothing is left to do.</summary>
    public async Task SettleAsync(PipelineStorage storage)
    {
        var (store, last) = (new RunStore(storage, TimeProvider.System), "");
        await Eventually.IsTrueAsync(
            async () =>
            {
                var ingested = (await store.ListAsync(Dropped, int.MaxValue, CancellationToken.None)).Select(run => run.Source).ToHashSet();
                var unfinished = await store.ListUnfinishedAsync(CancellationToken.None);
                var missing = drops.Keys.Where(file => !ingested.Contains(file)).ToList();
                last = $"unfinished: {string.Join(", ", unfinished)}; without a run: {string.Join(", ", missing)}";
                return unfinished.Count == 0 && missing.Count == 0;
            },
            () => last, TimeSpan.FromSeconds(90));
    }

    /// <summary>All that must hold when the host has stopped.</summary>
    public async Task AssertAsync(PipelineStorage storage, SlackEndpoint slack, string because)
    {
        await using var services = new ServiceCollection()
            .AddSingleton(TimeProvider.System).AddSingleton(storage).AddSingleton(KnownExtensions.None)
            .AddSingleton<RunStore>().AddSingleton<ModelRegistry>().AddSingleton<DefinitionStore>().AddSingleton<DataTags>().AddSingleton<DataLog>()
            .AddSingleton<DataVersions>().AddSingleton<StorageDoctor>()
            .BuildServiceProvider();
        var store = services.GetRequiredService<RunStore>();
        var details = new List<RunDetails>();
        foreach (var run in await store.ListAsync(null, int.MaxValue, CancellationToken.None))
        {
            details.Add((await store.FindDetailsAsync(run.RunId, CancellationToken.None))!);
        }
        await AssertKeptAsync(storage, services.GetRequiredService<DefinitionStore>(), because);
        AssertRuns([.. details.Where(run => run.Run is { Model: Model, Goal: RunGoal.Model }).OrderBy(run => run.Run.Created)], because);
        await AssertDropsAsync(storage, [.. details.Where(run => run.Run.Model == Dropped)], because);
        await AssertVersionsAsync(services.GetRequiredService<ModelRegistry>(), details, because);
        AssertTold(slack, details, because);
        await AssertLoggedAsync(storage, because);
        var examination = await services.GetRequiredService<StorageDoctor>().ExamineAsync(CancellationToken.None);
        examination.Findings.Where(finding => finding.Kind == FindingKind.Broken).Should().BeEmpty(because);
    }

    /// <summary>Starts a run of the table.</summary>
    public async Task<string> StartAsync(FaultedHost host)
    {
        var started = await host.InsistAsync(FaultedHost.Send(HttpMethod.Post, $"/pipelines/{Model}/runs", new { source = $"raw/{Model}/{Table}" }));
        var run = started.GetProperty("runId").GetString()!;
        runs.Enqueue(run);
        return run;
    }

    /// <summary>Asks for a prediction; false when storage would have been needed for it, and did not answer.</summary>
    public async Task<bool> PredictAsync(FaultedHost host)
    {
        var distance = Interlocked.Increment(ref predictions) + 0.25;
        var row = new { vendor = "CITY", passengers = 2, distance_km = distance, duration_min = 17, payment = "card", airport = false };
        if (await host.TryAsync(FaultedHost.Send(HttpMethod.Post, "/predict", new { model = Model, features = row })) is null)
        {
            return false;
        }
        predicted.Enqueue(distance);
        return true;
    }

    private async Task RunAsync(FaultedHost host)
    {
        var run = await StartAsync(host);
        JsonElement last = default;
        await Eventually.IsTrueAsync(
            async () => (last = await host.InsistAsync(FaultedHost.Get($"/runs/{run}"))).GetProperty("state").GetString()
                is not ("queued" or "running" or "waiting"),
            () => last.ToString(), TimeSpan.FromMinutes(3));
    }

    /// <summary>A file of a model without a definition: nobody moves it.</summary>
    private async Task UploadAsync(FaultedHost host)
    {
        var content = RandomNumberGenerator.GetBytes(RandomNumberGenerator.GetInt32(1, 50_000));
        var name = $"files/{Guid.NewGuid():N}.bin";
        var hash = (await host.InsistAsync(FaultedHost.Put($"/raw/{name}", content))).GetProperty("sha256").GetString()!;
        hash.Should().Be(Convert.ToHexStringLower(SHA256.HashData(content)));
        files[name] = hash;
    }

    /// <summary>A name is used once: what is uploaded again has a run again.</summary>
    private async Task DropAsync(FaultedHost host, bool isGood)
    {
        JsonElement? answer;
        do
        {
            var content = isGood ? [.. table, .. Line()] : Unreadable;
            answer = await host.TryAsync(FaultedHost.Put($"/raw/{Dropped}/{Guid.NewGuid():N}.csv", content));
        }
        while (answer is null);
        drops[answer.Value.GetProperty("source").GetString()!] = isGood;
    }

    /// <summary>A row that no other table has, so that each is read and stored.</summary>
    private byte[] Line()
    {
        var lines = System.Text.Encoding.UTF8.GetString(table).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return System.Text.Encoding.UTF8.GetBytes($"{Guid.NewGuid():N},{lines[1][(lines[1].IndexOf(',', StringComparison.Ordinal) + 1)..]}");
    }

    private async Task DeclareAsync(FaultedHost host)
    {
        var definition = Trips.Definition($"other-{RandomNumberGenerator.GetHexString(8, lowercase: true)}", trees: RandomNumberGenerator.GetInt32(1, 90));
        definitions[definition.Model] = (await host.InsistAsync(FaultedHost.Put(definition))).ToString();
    }

    /// <summary>Moves alias production to another version, or back.</summary>
    private async Task MoveAsync(FaultedHost host)
    {
        var model = await host.InsistAsync(FaultedHost.Get($"/models/{Model}"));
        var production = Acknowledged.ProductionOf(model);
        var target = production == 1 ? 2 : 1;
        try
        {
            var answer = await (moves.Count % 3 == 2
                ? host.TryAsync(FaultedHost.Send(HttpMethod.Post, $"/models/{Model}/rollback", new { from = production }))
                : host.TryAsync(FaultedHost.Send(HttpMethod.Put, $"/models/{Model}/aliases/production", new { version = target })));
            if (answer is { } moved)
            {
                moves.Enqueue(Acknowledged.ProductionOf(moved));
            }
        }
        catch (HttpRequestException faster) when (faster.StatusCode == HttpStatusCode.Conflict)
        {
            // There is nothing before it to go back to, or the run has promoted in between.
        }
    }

    private async Task AssertKeptAsync(PipelineStorage storage, DefinitionStore kept, string because)
    {
        foreach (var (name, hash) in files)
        {
            var content = (await storage.Raw.GetBlobClient(name).DownloadContentAsync()).Value.Content;
            Convert.ToHexStringLower(SHA256.HashData(content)).Should().Be(hash, because);
        }
        foreach (var (name, definition) in definitions)
        {
            DefinitionJson.Write((await kept.FindAsync(name, CancellationToken.None))!).Should().Be(
                DefinitionJson.Write(DefinitionJson.Read(definition)), because);
        }
    }

    /// <summary>Every run does the same on the same rows: all come to what the second did, which met no fault.</summary>
    private void AssertRuns(IReadOnlyList<RunDetails> all, string because)
    {
        all.Select(run => run.Run.RunId).Should().Contain(runs, because);
        var expected = all[1];
        foreach (var run in all.Skip(1))
        {
            run.Run.State.Should().BeOneOf([RunState.Succeeded, RunState.Blocked], "{0}: {1}", because, run.Run.Error);
            run.Run.Version.Should().NotBeNull(because);
            StagesOf(run).Should().Equal(StagesOf(expected), because);
            MetricsOf(run).Should().Equal(MetricsOf(expected), because);
            run.Artifacts.Select(artifact => artifact.Path).Should().BeEquivalentTo(expected.Artifacts.Select(artifact => artifact.Path), because);
        }
    }

    private static IEnumerable<string> StagesOf(RunDetails run) => run.Stages.Where(stage => stage.Stage != "alert")
        .Select(stage => $"{stage.Stage} {stage.Key} {(stage.State == StageState.Reused ? StageState.Succeeded : stage.State)} {stage.Rows}")
        .Order(StringComparer.Ordinal);

    private static IEnumerable<string> MetricsOf(RunDetails run) =>
        run.Metrics.Where(metric => !metric.Key.Contains("seconds", StringComparison.Ordinal)).Select(metric => $"{metric.Key} {metric.Value:R}");

    /// <summary>Each file that lies there has one run, and ends as it should: a good one as a dataset, the other in quarantine.</summary>
    private async Task AssertDropsAsync(PipelineStorage storage, IReadOnlyList<RunDetails> all, string because)
    {
        all.Select(run => run.Run.Source).Should().OnlyHaveUniqueItems(because);
        foreach (var run in all)
        {
            var file = run.Run.Source["raw/".Length..];
            // One that storage took and the caller was not told of is as good as its bytes.
            var isGood = drops.TryGetValue(run.Run.Source, out var known) ? known : run.Run.State == RunState.Succeeded;
            run.Run.State.Should().Be(isGood ? RunState.Succeeded : RunState.Failed, "{0}: {1} {2}", because, file, run.Run.Error);
            (run.Run.Dataset is not null).Should().Be(isGood, because);
            (await storage.Raw.GetBlobClient(file).ExistsAsync()).Value.Should().Be(isGood, "{0}: {1}", because, file);
            var place = storage.Quarantine.GetBlobClient($"{Dropped}/{run.Run.RunId}/{file[(Dropped.Length + 1)..]}");
            (await place.ExistsAsync()).Value.Should().Be(!isGood, "{0}: {1}", because, file);
            if (!isGood)
            {
                (await place.DownloadContentAsync()).Value.Content.ToArray().Should().Equal(Unreadable, because);
                (await storage.Quarantine.GetBlobClient(place.Name + ".error.txt").ExistsAsync()).Value.Should().BeTrue(because);
            }
        }
    }

    private async Task AssertVersionsAsync(ModelRegistry registry, IReadOnlyList<RunDetails> all, string because)
    {
        var versions = await registry.ListVersionsAsync(Model, CancellationToken.None);
        versions.Select(version => version.Version).Reverse().Should().Equal(Enumerable.Range(1, versions.Count), because);
        versions.Select(version => (version.RunId, (int?)version.Version)).Should().BeEquivalentTo(
            all.Where(run => run.Run is { Model: Model, Goal: RunGoal.Model }).Select(run => (run.Run.RunId, run.Run.Version)), because);
        var history = (await registry.ListHistoryAsync(Model, CancellationToken.None)).Where(move => move.Alias == ModelAlias.Production).Reverse().ToList();
        history.Skip(1).Select(move => move.From).Should().Equal(history.SkipLast(1).Select(move => (int?)move.To), because);
        history.Where(move => move.Reason.StartsWith("promoted", StringComparison.Ordinal)).Select(move => move.Reason).Should().OnlyHaveUniqueItems(because);
        foreach (var moved in moves.GroupBy(to => to))
        {
            history.Count(move => move.To == moved.Key).Should().BeGreaterThanOrEqualTo(
                moved.Count() - Unmoved(moved.Key), "{0}: production was moved to version {1}", because, moved.Key);
        }
        (await registry.FindAsync(Model, CancellationToken.None))!.Production.Should().Be(history[^1].To, because);
    }

    /// <summary>A move to the version that is there already is done without a line in the history.</summary>
    private int Unmoved(int version) => moves.Zip(moves.Skip(1)).Count(pair => pair.First == version && pair.Second == version);

    private static void AssertTold(SlackEndpoint slack, IReadOnlyList<RunDetails> all, string because)
    {
        var messages = slack.Calls.Select(call => call.Message.GetRawText()).ToList();
        messages.Should().OnlyHaveUniqueItems(because);
        foreach (var run in all)
        {
            run.Alerts.Should().NotContain(alert => alert.State != AlertState.Sent, because);
            messages.Count(message => message.Contains($"{run.Run.RunId}|Open", StringComparison.Ordinal)).Should().Be(run.Alerts.Count, because);
            run.Alerts.Any(alert => alert.Kind == AlertKind.RunFailed).Should().Be(run.Run.State == RunState.Failed, because);
        }
        messages.Should().HaveCount(all.Sum(run => run.Alerts.Count), because);
    }

    private async Task AssertLoggedAsync(PipelineStorage storage, string because)
    {
        var logged = new List<double>();
        await foreach (var blob in storage.Predictions.GetBlobsAsync(default, default, Model + "/", CancellationToken.None))
        {
            var lines = (await storage.Predictions.GetBlobClient(blob.Name).DownloadContentAsync()).Value.Content.ToString();
            logged.AddRange(lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(
                line => JsonDocument.Parse(line).RootElement.GetProperty("features").GetProperty("distance_km").GetDouble()));
        }
        logged.Should().OnlyHaveUniqueItems(because);
        logged.Should().Contain(predicted, because);
    }
}

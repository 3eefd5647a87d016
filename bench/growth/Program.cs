using System.Diagnostics;
using System.Globalization;
using Azure;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using MlOps.Local.Storage;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Triggers;

// Fills embedded storage with what a year leaves behind, starts the host on it, and measures lists and the idle host.
// usage: MlOps.Bench.Growth RUNS MODELS FILES FOLDER
var (runs, models, files, folder) = (Number(args[0]), Number(args[1]), Number(args[2]), args[3]);
var data = Path.Combine(folder, "data");
var clock = Stopwatch.StartNew();
// What an earlier call has made is measured again.
if (!Directory.Exists(data))
{
    await using var azurite = await AzuriteProcess.StartAsync(Path.Combine(data, "azurite"), Console.Error.WriteLine, CancellationToken.None);
    await FillAsync(new PipelineStorage(new BlobServiceClient(azurite.ConnectionString), new TableServiceClient(azurite.ConnectionString)));
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{runs} runs, {models} models, {files} raw files: made in {clock.Elapsed.TotalSeconds:0} s"));
}

string[] arguments = [Path.Combine(AppContext.BaseDirectory, "MlOps.Local.dll"), "up", "--port", "0", "--data", data];
using var host = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
clock.Restart();
while (await host.StandardOutput.ReadLineAsync() is { } line && !line.Contains("Serving on", StringComparison.Ordinal))
{
}
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"host serves after {clock.Elapsed.TotalSeconds:0.0} s"));
_ = host.StandardOutput.ReadToEndAsync();
try
{
    await MeasureAsync(new Uri(DataFolder.FindHost(data)!.Url!));
}
finally
{
    host.Kill(entireProcessTree: true);
    await host.WaitForExitAsync();
}

async Task MeasureAsync(Uri url)
{
    // What happens once after a start is over.
    await Task.Delay(TimeSpan.FromSeconds(60));
    using var http = new HttpClient { BaseAddress = url };
    var run = RunIdOf(runs - 1).RunId;
    Console.WriteLine("list or page: first, median of 10, slowest, ms; KB");
    foreach (var path in new[]
    {
        "/runs", $"/runs?model={ModelOf(1)}", "/models", $"/models/{ModelOf(1)}/versions", $"/raw/{ModelOf(1)}", "/raw", "/pipelines", $"/runs/{run}",
        "/runs?take=1000", "/dashboard", "/dashboard/runs", "/dashboard/runs?metric=val_rmse&sort=lowest", "/dashboard/runs?state=failed", "/dashboard/models",
        $"/dashboard/models/{ModelOf(1)}", "/dashboard/data", $"/dashboard/runs/{run}",
    })
    {
        var (times, bytes) = (new List<double>(), 0);
        for (var i = 0; i < 10; i++)
        {
            var watch = Stopwatch.StartNew();
            bytes = (await http.GetByteArrayAsync(path)).Length;
            times.Add(watch.Elapsed.TotalMilliseconds);
        }
        var first = times[0];
        times.Sort();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{path,-48} {first,7:0} {times[5],7:0} {times[^1],7:0} {bytes / 1000.0,7:0.0}"));
    }
    await Task.Delay(TimeSpan.FromSeconds(5));
    var (before, since) = (ProcessorTimes(), Stopwatch.StartNew());
    await Task.Delay(TimeSpan.FromSeconds(120));
    var after = ProcessorTimes();
    foreach (var (name, spent) in after)
    {
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"idle, {name}: {100 * (spent - before[name]).TotalSeconds / since.Elapsed.TotalSeconds:0.00} % of a core over {since.Elapsed.TotalSeconds:0} s"));
    }
}

// The host and the emulator that it started.
Dictionary<string, TimeSpan> ProcessorTimes()
{
    var emulator = Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, out _)).Single(
        id => File.Exists($"/proc/{id}/stat") && File.ReadAllText($"/proc/{id}/stat").Split(") ")[1].Split(' ')[1] == $"{host.Id}");
    return new Dictionary<string, TimeSpan>
    {
        ["host"] = Process.GetProcessById(host.Id).TotalProcessorTime,
        ["emulator"] = Process.GetProcessById(Number(emulator!)).TotalProcessorTime,
    };
}

async Task FillAsync(PipelineStorage storage)
{
    await storage.EnsureCreatedAsync(CancellationToken.None);
    var definitions = new DefinitionStore(storage, KnownExtensions.None);
    var registry = new ModelRegistry(storage, TimeProvider.System);
    var store = new RunStore(storage, TimeProvider.System);
    var marks = new RawFileMarks(storage);
    await marks.ReadAsync(CancellationToken.None);
    await EachAsync(models, async i =>
    {
        await definitions.PutAsync(
            new PipelineDefinition { Model = ModelOf(i), Target = "y", RunOn = new TriggerRules("0 0 3 1 1 *") }, CancellationToken.None);
        for (var version = 1; version <= 3; version++)
        {
            await registry.RegisterAsync(
                new ModelVersion
                {
                    Model = ModelOf(i),
                    RunId = RunId.Of(ModelOf(i), DateTimeOffset.UtcNow, $"{version}"),
                    DefinitionId = $"{ModelOf(i)}/0",
                    Task = TaskKind.Regression,
                    Candidate = "0-lightgbm",
                    ModelBlobs = $"models/{i}/x",
                    Metrics = new Dictionary<string, double> { ["val_rmse"] = 1 },
                    Lineage = new ModelLineage("a", "b", "c", "d", "e"),
                },
                CancellationToken.None);
            await registry.SetAliasAsync(ModelOf(i), ModelAlias.Production, version, "bench", CancellationToken.None);
        }
    });
    await EachAsync(runs, async i =>
    {
        var run = RunIdOf(i);
        await store.CreateAsync(run, CancellationToken.None);
        for (var stage = 0; stage < 3; stage++)
        {
            var status = new StageStatus($"stage{stage}", "", StageState.Succeeded, run.Created, run.Created, 1, 1000, 1);
            await store.RecordResultAsync(run.RunId, status, "{}", CancellationToken.None);
        }
        await store.LogMetricsAsync(run.RunId, Enumerable.Range(0, 10).ToDictionary(m => $"metric{m}", m => (double)m), CancellationToken.None);
        await storage.Artifacts.GetBlobClient($"{run.RunId}/model-card.html").UploadAsync(BinaryData.FromString("card"), overwrite: true);
        var metrics = new Dictionary<string, double> { ["val_rmse"] = i % 97 };
        await store.UpdateAsync(
            run.RunId, found => found with { State = RunState.Succeeded, Ended = DateTimeOffset.UtcNow, Metrics = metrics }, CancellationToken.None);
    });
    var stored = new ETag[files];
    await EachAsync(files, async i =>
    {
        BlobContentInfo file = await storage.Raw.GetBlobClient(FileOf(i)).UploadAsync(BinaryData.FromString("a,y\n1,2\n"), overwrite: true);
        // As lists say it, without quotes: else each file would be a new one, and start a run.
        stored[i] = new ETag(file.ETag.ToString().Trim('"'));
    });
    for (var i = 0; i < files; i++)
    {
        await marks.MarkAsync(FileOf(i), stored[i], CancellationToken.None);
    }
}

Run RunIdOf(int i)
{
    var created = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMinutes(50 * i);
    var model = ModelOf(i % models);
    return new Run
    {
        RunId = RunId.Of(model, created, $"{i}"),
        Model = model,
        State = RunState.Running,
        DefinitionId = $"{model}/0",
        Source = $"raw/{model}/a.csv",
        Trigger = "bench",
        Created = created,
    };
}

string FileOf(int i) => $"{ModelOf(i % models)}/{i:D6}.csv";

static string ModelOf(int i) => $"model-{i:D4}";

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

static Task EachAsync(int count, Func<int, Task> work) =>
    Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, _) => await work(i));

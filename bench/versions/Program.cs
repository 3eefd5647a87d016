using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Local.Storage;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;

// Fills embedded storage with dataset versions of one model, starts the host on it, and measures pages of them and a collection.
// usage: MlOps.Bench.Versions VERSIONS FOLDER
const string Model = "trips";
var (versions, folder) = (int.Parse(args[0], CultureInfo.InvariantCulture), args[1]);
var data = Path.Combine(folder, "data");
var clock = Stopwatch.StartNew();
await using (var azurite = await AzuriteProcess.StartAsync(Path.Combine(data, "azurite"), Console.Error.WriteLine, CancellationToken.None))
{
    await FillAsync(new PipelineStorage(new BlobServiceClient(azurite.ConnectionString), new TableServiceClient(azurite.ConnectionString)));
}
Tell($"{versions} versions made in {clock.Elapsed.TotalSeconds:0} s");

string[] arguments = [Path.Combine(AppContext.BaseDirectory, "MlOps.Local.dll"), "up", "--port", "0", "--data", data];
using var host = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
while (await host.StandardOutput.ReadLineAsync() is { } line && !line.Contains("Serving on", StringComparison.Ordinal))
{
}
_ = host.StandardOutput.ReadToEndAsync();
try
{
    using var http = new HttpClient { BaseAddress = new Uri(DataFolder.FindHost(data)!.Url!), Timeout = TimeSpan.FromMinutes(10) };
    await MeasureAsync(http);
}
finally
{
    host.Kill(entireProcessTree: true);
    await host.WaitForExitAsync();
}

async Task MeasureAsync(HttpClient http)
{
    Console.WriteLine("page: first, median of 20, slowest, ms");
    var middle = await TokenAsync(http, versions / 2);
    foreach (var path in new[]
    {
        "versions", "versions?stage=raw", "versions?take=1000", $"versions?take=50&next={middle}", "versions/latest", "versions/latest~999", "tags",
    })
    {
        var times = new List<double>();
        for (var i = 0; i < 20; i++)
        {
            var watch = Stopwatch.StartNew();
            (await http.GetAsync($"/datasets/{Model}/{path}")).EnsureSuccessStatusCode();
            times.Add(watch.Elapsed.TotalMilliseconds);
        }
        var first = times[0];
        times.Sort();
        Tell($"{path.Split("&next")[0],-30} {first,7:0} {times[10],7:0} {times[^1],7:0}");
    }
    clock.Restart();
    using var found = await http.PostAsync("/datasets/gc", content: null);
    Tell($"gc, dry run: {(int)found.StatusCode} after {clock.Elapsed.TotalSeconds:0.0} s");
}

async Task<string> TokenAsync(HttpClient http, int after)
{
    var next = default(string);
    for (var seen = 0; seen < after; seen += 1000)
    {
        var page = JsonNode.Parse(await http.GetStringAsync($"/datasets/{Model}/versions?take=1000{(next is null ? "" : $"&next={next}")}"))!;
        next = (string?)page["next"] ?? next;
    }
    return next!;
}

async Task FillAsync(PipelineStorage storage)
{
    await storage.EnsureCreatedAsync(CancellationToken.None);
    var log = new DataLog(storage);
    var tags = new DataTags(storage, new DefinitionStore(storage, KnownExtensions.None), TimeProvider.System);
    var begun = DateTimeOffset.UtcNow.AddDays(-365);
    await Parallel.ForAsync(0, versions, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, cancel) =>
    {
        var stage = DataEntry.Stages[i % 5];
        var made = begun.AddMinutes(i);
        var run = new Run
        {
            RunId = RunId.Of(Model, made, $"{i / 5}"),
            Model = Model,
            State = RunState.Succeeded,
            DefinitionId = $"{Model}/0",
            Source = $"raw/{Model}/{i / 5}.csv",
            Trigger = "bench",
            Created = made,
        };
        var version = new DatasetManifest
        {
            Id = Guid.NewGuid().ToString("N"),
            Stage = stage == "raw" ? "ingest" : stage,
            Parents = [],
            Parameters = [],
            Columns = [.. Enumerable.Range(0, 10).Select(c => new DatasetColumn($"column{c}", StorageType.Double, ColumnKind.Numeric))],
            Rows = 1000,
            Created = made,
        };
        await storage.Datasets.GetBlobClient($"{version.Id}/manifest.json").UploadAsync(BinaryData.FromString(Json.Write(version)), overwrite: true, cancel);
        await log.RecordAsync(run, stage, version, cancel);
        if (i % 100 == 0)
        {
            await tags.SetAsync(Model, new DataTag($"tag-{i}", version.Id, Movable: false, "bench", made), cancel);
        }
    });
}

static void Tell(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

using System.Diagnostics;
using System.Globalization;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using DurableTask.AzureStorage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Functions.Durable;
using MlOps.Functions.Tests;
using MlOps.Functions.Tests.Durable;
using MlOps.Local.Storage;
using MlOps.Pipeline;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

// Runs the pipeline as Durable Functions do, with several worker processes of one thread each on one task hub, and times its stages.
// usage: MlOps.Bench.ScaleOut FILE.csv DEFINITION.json WORKERS FOLDER
// The processes that it starts are: MlOps.Bench.ScaleOut worker CONNECTION HUB FOLDER [RUN]
if (args[0] == "worker")
{
    await Worker.RunAsync(args[1], args[2], args[3], args.ElementAtOrDefault(4));
    return;
}
var (file, definitionFile, workers, folder) = (args[0], args[1], int.Parse(args[2], CultureInfo.InvariantCulture), args[3]);
await using var azurite = await AzuriteProcess.StartAsync(
    Directory.CreateDirectory(Path.Combine(folder, "azurite")).FullName, Console.Error.WriteLine, default);
await using var services = Worker.Services(azurite.ConnectionString, Path.Combine(folder, "starter"));
var storage = services.GetRequiredService<PipelineStorage>();
await storage.EnsureCreatedAsync(default);
var definition = DefinitionJson.Read(await File.ReadAllTextAsync(definitionFile));
await services.GetRequiredService<DefinitionStore>().PutAsync(definition, default);
await storage.Raw.GetBlobClient($"{definition.Model}/rows.csv").UploadAsync(file, overwrite: true);
var hub = "Hub" + Guid.NewGuid().ToString("N")[..10];
await Worker.Backend(azurite.ConnectionString, hub).CreateIfNotExistsAsync();

var runId = RunId.New(definition.Model, DateTimeOffset.UtcNow);
var started = Stopwatch.StartNew();
var processes = Enumerable.Range(0, workers).Select(i => Process.Start(new ProcessStartInfo(
    "dotnet",
    [
        typeof(Worker).Assembly.Location, "worker", azurite.ConnectionString, hub, Path.Combine(folder, $"worker-{i}"),
        .. i == 0 ? [runId] : Array.Empty<string>(),
    ]))!).ToList();
var runs = services.GetRequiredService<RunStore>();
RunDetails? details;
do
{
    await Task.Delay(200);
    details = await runs.FindDetailsAsync(runId, default);
}
while (details is not { Run.HasEnded: true });
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"{workers} workers: {details.Run.State} {details.Run.Error} after {started.Elapsed.TotalSeconds:0.0} s, processes started; "
        + $"{(details.Run.Ended - details.Run.Started)?.TotalSeconds:0.0} s as a run"));
// The run ends within its last stage, whose own end may not be there yet.
foreach (var stage in details.Stages.Where(call => call.Ended is not null).GroupBy(stage => stage.Stage))
{
    var wall = (stage.Max(call => call.Ended) - stage.Min(call => call.Started))!.Value.TotalSeconds;
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"  {stage.Key,-16} {stage.Count(),3} calls {wall,7:0.0} s wall {stage.Sum(call => call.Seconds),7:0.0} s work "
            + $"{stage.Max(call => call.Rows),12:N0} rows at most"));
}
foreach (var (process, i) in processes.Select((process, i) => (process, i)))
{
    var peak = File.ReadLines($"/proc/{process.Id}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"  worker {i}: peak {long.Parse(peak.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024:N0} MiB, "
            + $"processor {process.TotalProcessorTime.TotalSeconds:0.0} s"));
    process.Kill(entireProcessTree: true);
}

internal static class Worker
{
    public static async Task RunAsync(string connection, string hub, string folder, string? run)
    {
        DurableWorker? worker = null;
        await using var services = Services(connection, folder, provider => new DurableEngine(worker!.Client, provider.GetRequiredService<RunStore>()));
        worker = await DurableWorker.StartAsync(services, Backend(connection, hub), HostFile.Version);
        if (run is not null)
        {
            var model = RunId.ModelOf(run)!;
            await services.GetRequiredService<RunStarter>().StartAsync(new RunRequest(model, $"raw/{model}/rows.csv", "http") { RunId = run }, default);
        }
        await Task.Delay(Timeout.Infinite);
    }

    public static ServiceProvider Services(string connection, string folder, Func<IServiceProvider, IPipelineEngine>? engine = null) => new ServiceCollection()
        .AddLogging(logging => logging.AddSimpleConsole().SetMinimumLevel(LogLevel.Warning))
        .AddMlOpsPipeline()
        .AddSingleton(new PipelineStorage(new BlobServiceClient(connection), new TableServiceClient(connection)))
        .AddSingleton(new PipelineOptions { WorkFolder = Directory.CreateDirectory(folder).FullName, Threads = 1, MostTrainingsTogether = 1_000 })
        .AddSingleton<StageCalls>()
        .AddSingleton(engine ?? (_ => throw new InvalidOperationException("Only workers start runs.")))
        .BuildServiceProvider();

    /// <summary>As host.json sets it up, with one activity at a time: a worker stands for an instance of one core.</summary>
    public static AzureStorageOrchestrationService Backend(string connection, string hub) => new(new AzureStorageOrchestrationServiceSettings
    {
        TaskHubName = hub,
        StorageAccountClientProvider = new StorageAccountClientProvider(connection),
        PartitionCount = 1,
        MaxConcurrentTaskActivityWorkItems = 1,
        MaxQueuePollingInterval = TimeSpan.FromSeconds(1),
        WorkItemQueueVisibilityTimeout = TimeSpan.FromMinutes(2),
        ControlQueueVisibilityTimeout = TimeSpan.FromMinutes(2),
    });
}

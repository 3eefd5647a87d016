using System.Globalization;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Functions.Durable;
using MlOps.Pipeline;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.OpenLineage;
using MlOps.Pipeline.Tracking;

namespace MlOps.Functions.Tests.Durable;

/// <summary>
/// The program of a worker process, which a test may kill: <c>worker CONNECTION HUB FOLDER SLACK LINEAGE</c>. It does what an instance of the app does: it
/// works on what the hub has, starts runs that have no instance, and tells of runs.
/// </summary>
internal static class WorkerProgram
{
    public const string IsReady = "works";

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    public static async Task Main(string[] args)
    {
        if (args is not ["worker", var connection, var hub, var folder, var slack, var lineage])
        {
            await Console.Error.WriteLineAsync("These are tests: run them with dotnet test.");
            return;
        }
        DurableWorker? worker = null;
        await using var services = new ServiceCollection()
            .AddLogging(logging => logging.AddSimpleConsole().SetMinimumLevel(LogLevel.Warning))
            .AddMlOpsPipeline()
            .AddSingleton(new PipelineStorage(new BlobServiceClient(connection), new TableServiceClient(connection)))
            .AddSingleton(new PipelineOptions { WorkFolder = Directory.CreateDirectory(folder).FullName, Threads = 1, RowsPerPart = 150 })
            .AddSingleton(new AlertOptions { SlackWebhookUrl = new Uri(slack) })
            .AddSingleton(Told(lineage))
            .AddSingleton<StageCalls>()
            .AddSingleton<IPipelineEngine>(provider => new DurableEngine(worker!.Client, provider.GetRequiredService<RunStore>()))
            .BuildServiceProvider();
        worker = await DurableWorker.StartAsync(services, await Backends.AzureStorageAsync(connection, hub, visibility: 5), HostFile.Version);
        var recovery = new RunRecovery(
            worker.Client, services.GetRequiredService<IPipelineEngine>(), services.GetRequiredService<RunStore>(),
            services.GetRequiredService<DefinitionStore>(), new Settled(), services.GetRequiredService<ILogger<RunRecovery>>());
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{IsReady} {Environment.ProcessId}"));
        while (true)
        {
            await recovery.LookAsync(CancellationToken.None);
            await services.GetRequiredService<LineageSender>().SendDueAsync(CancellationToken.None);
            await Task.Delay(LookEvery);
        }
    }

    /// <summary>How a receiver of OpenLineage events is told.</summary>
    public static OpenLineageOptions Told(string receiver) => new() { Endpoint = new Uri(new Uri(receiver), "api/v1/lineage") };

    /// <summary>Nobody else starts runs here: none is on its way.</summary>
    private sealed class Settled : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UtcNow + TimeSpan.FromMinutes(2);
    }
}

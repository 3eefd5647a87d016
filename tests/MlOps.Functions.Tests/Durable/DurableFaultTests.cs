using Azure.Core;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using MlOps.Functions.Durable;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Doctor;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Triggers;
using MlOps.Testing;
using Xunit.Abstractions;

namespace MlOps.Functions.Tests.Durable;

/// <summary>
/// Runs of the durable engine while requests to storage fail at random: its own, for blobs and tables, and those of Durable Task, for queues too.
/// <c>MLOPS_TEST_FAULTS</c> says how many runs, <c>MLOPS_TEST_FAULT_RATE</c> how many requests of a hundred fail.
/// </summary>
public sealed class DurableFaultTests(AzuriteFixture azurite, ITestOutputHelper output) : IClassFixture<AzuriteFixture>
{
    [Fact]
    public async Task While_storage_fails_at_random_every_run_ends_once_and_right()
    {
        var seed = TestSize.Seed;
        var faults = new StorageFaults(seed, TestSize.FaultRate / 100.0) { LongestHang = TimeSpan.FromSeconds(1) };
        output.WriteLine($"seed {seed}");
        await using var slack = await SlackEndpoint.StartAsync();
        await using var proxy = await StorageProxy.StartAsync(azurite.ConnectionString);
        await using var host = await DurableHost.StartAsync(
            azurite, await Backends.AzureStorageAsync(proxy.ConnectionString, visibility: 5), services => services
                .AddSingleton(Connect(proxy.ConnectionString))
                .AddSingleton<StorageDoctor>()
                .AddSingleton<RawFileIntake>()
                .AddSingleton(new AlertOptions { SlackWebhookUrl = slack.Url }));
        var definition = Trips.Definition() with { Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 3 }] };
        var csv = Trips.Csv(300, seed);
        var untroubled = await host.EndOfAsync(await host.SubmitAsync(definition, csv));
        proxy.Faults = faults;

        var dropped = new List<string>();
        for (var run = 0; run < TestSize.Faults; run++)
        {
            await InsistAsync(() => host.SubmitAsync(definition with { Model = AzuriteFixture.UniqueModel() }, csv));
            dropped.Add(await DropAsync(host, definition with { Model = AzuriteFixture.UniqueModel(), RunOn = new TriggerRules(NewFile: true) }, csv));
        }
        // As the app's timer does: a run whose instance was not started, since storage did not answer, is started later.
        var recovery = new RunRecovery(
            host.Client, host.Engine, host.Runs, host.Host.Get<DefinitionStore>(), new Later(TimeSpan.FromMinutes(2)), NullLogger<RunRecovery>.Instance);
        await Eventually.IsTrueAsync(
            async () =>
            {
                await InsistAsync(async () =>
                {
                    await recovery.LookAsync(CancellationToken.None);
                    return true;
                });
                return (await Runs().ListUnfinishedAsync(CancellationToken.None)).Count == 0;
            },
            deadline: TimeSpan.FromMinutes(10));
        proxy.Faults = null;

        output.WriteLine($"{faults}");
        faults.Count.Should().BePositive();
        foreach (var file in dropped)
        {
            (await Runs().ListAsync(file.Split('/')[0], 10, CancellationToken.None)).Should().ContainSingle(faults.ToString())
                .Which.Source.Should().Be("raw/" + file);
            (await azurite.NewStorage().Raw.GetBlobClient(file).ExistsAsync()).Value.Should().BeTrue("a good file stays: {0}", faults);
        }
        foreach (var run in await Runs().ListAsync(null, int.MaxValue, CancellationToken.None))
        {
            var ended = await host.EndOfAsync(run);
            var registry = host.Host.Get<ModelRegistry>();
            ended.Run.State.Should().Be(RunState.Succeeded, "{0}: {1}", faults, ended.Run.Error);
            RunSummary.Of(ended).Should().Be(RunSummary.Of(untroubled), faults.ToString());
            var versions = (await registry.ListVersionsAsync(run.Model, CancellationToken.None)).Select(version => version.RunId).ToList();
            versions.Should().OnlyHaveUniqueItems(faults.ToString()).And.Contain(run.RunId, faults.ToString());
            slack.Calls.Count(call => call.Message.GetRawText().Contains($"{run.RunId}|Open", StringComparison.Ordinal)).Should().Be(
                ended.Alerts.Count, faults.ToString());
        }
        (await host.Host.Get<StorageDoctor>().ExamineAsync(CancellationToken.None)).Findings.Should().BeEmpty(faults.ToString());
    }

    /// <summary>A file lands in a model's folder, and Event Grid tells of it until it is taken, and once more.</summary>
    private static async Task<string> DropAsync(DurableHost host, PipelineDefinition definition, string csv)
    {
        var blob = host.Host.Storage.Raw.GetBlobClient($"{definition.Model}/dropped.csv");
        await InsistAsync(() => host.Host.Get<DefinitionStore>().PutAsync(definition, CancellationToken.None));
        await InsistAsync(() => blob.UploadAsync(BinaryData.FromString(csv), overwrite: true));
        for (var told = 0; told < 2; told++)
        {
            await InsistAsync(async () =>
            {
                BlobProperties properties = await blob.GetPropertiesAsync();
                return await host.Host.Get<RawFileIntake>().TakeAsync(new RawFile(blob.Name, properties.ETag, properties.LastModified), CancellationToken.None);
            });
        }
        return blob.Name;
    }

    private RunStore Runs() => new(azurite.NewStorage(), TimeProvider.System);

    /// <summary>As a caller does who is told that storage does not answer.</summary>
    private static async Task<T> InsistAsync<T>(Func<Task<T>> ask)
    {
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (Exception fault) when (fault is Azure.RequestFailedException or AggregateException or OperationCanceledException or Grpc.Core.RpcException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100));
            }
        }
    }

    private static PipelineStorage Connect(string connection)
    {
        var (blobs, tables) = (new BlobClientOptions(), new TableClientOptions());
        foreach (ClientOptions options in new ClientOptions[] { blobs, tables })
        {
            options.Retry.Delay = TimeSpan.FromMilliseconds(50);
            options.Retry.NetworkTimeout = TimeSpan.FromSeconds(2);
        }
        return new PipelineStorage(new BlobServiceClient(connection, blobs), new TableServiceClient(connection, tables));
    }

    private sealed class Later(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UtcNow + by;
    }
}

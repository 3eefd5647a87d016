using Azure.Storage.Blobs.Specialized;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Local.Engine;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.OpenLineage;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Local.Tests.Processes;

/// <summary>Kills real hosts, and lets the next one go on.</summary>
public sealed class KillTests(AzuriteFixture azurite) : IClassFixture<AzuriteFixture>, IDisposable
{
    private static readonly string[] Stages = ["ingest", "clean", "features", "split", "train", "validate", "drift", "promote", "finish"];

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-kill-").FullName;
    private readonly string model = AzuriteFixture.UniqueModel();

    /// <summary>Half as many stages as kills are asked for, drawn anew each time; the test's name tells which.</summary>
    public static TheoryData<string> SomeStages =>
        new(Stages.OrderBy(_ => Random.Shared.Next()).Take(Math.Max(1, TestSize.Kills / 2)));

    [Theory]
    [MemberData(nameof(SomeStages))]
    public async Task A_run_whose_host_is_killed_inside_a_stage_goes_on_in_the_next_host(string stage)
    {
        await using var proxy = await StorageProxy.StartAsync(azurite.ConnectionString);
        await using var services = Services(azurite.NewStorage());
        var inside = proxy.HoldInsideAsync(stage);
        string[] up = ["up", "--port", "0", "--data", folder, "--storage", proxy.ConnectionString];
        await using var killed = LocalProcess.Start(up);
        var run = await SubmitAsync(services, trees: 10);
        await inside;

        await killed.KillAsync();
        var before = await DetailsAsync(services, run);
        proxy.LetGo();
        await azurite.NewStorage().Leases.GetBlobClient(run.RunId).GetBlobLeaseClient().BreakAsync(TimeSpan.Zero);
        await using var next = LocalProcess.Start(up);
        var after = await EndOfAsync(services, run);

        before.Run.HasEnded.Should().BeFalse();
        before.Stages.Should().ContainSingle(status => status.Stage == stage && status.State == StageState.Running);
        await AssertDoneOnceAsync(services, before, after);
        after.Stages.Single(status => status.Stage == stage).Attempts.Should().Be(2);
    }

    [Theory]
    [InlineData("ingest")]
    [InlineData("finish")]
    public async Task A_run_that_only_ingests_goes_on_in_the_next_host_and_no_further(string stage)
    {
        await using var proxy = await StorageProxy.StartAsync(azurite.ConnectionString);
        await using var services = Services(azurite.NewStorage());
        var inside = proxy.HoldInsideAsync(stage);
        string[] up = ["up", "--port", "0", "--data", folder, "--storage", proxy.ConnectionString];
        await using var killed = LocalProcess.Start(up);
        var run = await SubmitAsync(services, trees: 10, RunGoal.Dataset);
        await inside;

        await killed.KillAsync();
        proxy.LetGo();
        await azurite.NewStorage().Leases.GetBlobClient(run.RunId).GetBlobLeaseClient().BreakAsync(TimeSpan.Zero);
        await using var next = LocalProcess.Start(up);
        var after = await EndOfAsync(services, run);

        (after.Run.State, after.Run.Dataset?.Length, after.Run.Version).Should().Be((RunState.Succeeded, 32, null), after.Run.Error);
        after.Stages.Select(status => status.Stage).Should().BeEquivalentTo("ingest", "finish");
        after.Stages.Single(status => status.Stage == stage).Attempts.Should().Be(2);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static async Task AssertDoneOnceAsync(ServiceProvider services, RunDetails before, RunDetails after)
    {
        after.Run.State.Should().Be(RunState.Succeeded, after.Run.Error);
        after.Run.Started.Should().Be(before.Run.Started);
        var finished = before.Stages.Where(stage => stage.State is StageState.Succeeded or StageState.Reused);
        finished.Select(Json.Write).Should().BeSubsetOf(after.Stages.Select(Json.Write), "a finished stage is not redone");
        after.Stages.Should().OnlyContain(stage => stage.State == StageState.Succeeded || stage.State == StageState.Reused);
        var registry = services.GetRequiredService<ModelRegistry>();
        (await registry.ListVersionsAsync(after.Run.Model, CancellationToken.None)).Should().ContainSingle().Which.RunId.Should().Be(after.Run.RunId);
        (await registry.ListHistoryAsync(after.Run.Model, CancellationToken.None)).Should().ContainSingle(change => change.Alias == ModelAlias.Production);
        (await registry.FindAsync(after.Run.Model, CancellationToken.None))!.Production.Should().Be(1);
    }

    private async Task<Run> SubmitAsync(ServiceProvider services, int trees, RunGoal goal = RunGoal.Model)
    {
        var file = await Trips.WriteAsync(folder, rows: 400);
        await services.GetRequiredService<DefinitionStore>().PutAsync(Trips.Definition(model, trees), CancellationToken.None);
        return await services.GetRequiredService<RunStarter>().StartAsync(new RunRequest(model, file, "cli") { Goal = goal }, CancellationToken.None);
    }

    private static async Task<RunDetails> DetailsAsync(ServiceProvider services, Run run) =>
        (await services.GetRequiredService<RunStore>().FindDetailsAsync(run.RunId, CancellationToken.None))!;

    private static async Task<RunDetails> EndOfAsync(ServiceProvider services, Run run)
    {
        await Eventually.IsTrueAsync(async () => (await DetailsAsync(services, run)).Run.HasEnded, deadline: TimeSpan.FromSeconds(90));
        // The last stage's own row follows the run's.
        await Eventually.IsTrueAsync(async () => (await DetailsAsync(services, run)).Stages.All(stage => stage.State != StageState.Running));
        return await DetailsAsync(services, run);
    }

    /// <summary>What a test needs to give orders and look, without an engine of its own.</summary>
    private static ServiceProvider Services(PipelineStorage storage) => new ServiceCollection()
        .AddSingleton(TimeProvider.System)
        .AddSingleton(storage)
        .AddSingleton(KnownExtensions.None)
        .AddSingleton<DefinitionStore>()
        .AddSingleton<RunStore>()
        .AddSingleton<ModelRegistry>()
        .AddSingleton<DataTags>().AddSingleton<DataLog>().AddSingleton<DataVersions>().AddSingleton<RunSources>()
        .AddSingleton(new OpenLineageOptions()).AddSingleton<LineageOutbox>()
        .AddSingleton<RunStarter>()
        .AddRemoteEngine()
        .BuildServiceProvider();
}

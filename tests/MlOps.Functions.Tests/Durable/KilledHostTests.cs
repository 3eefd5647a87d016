using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Functions.Tests.Durable;

/// <summary>Hosts that end at once, and what the next one on the same task hub makes of their runs.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class KilledHostTests(AzuriteFixture azurite)
{
    private readonly string hub = Backends.NewHub();

    [Fact]
    public async Task A_host_killed_in_a_stage_leaves_it_to_the_next_and_may_even_finish_it_too()
    {
        var hold = new HoldOnce((method, path) => method == "PUT" && path.Contains("/artifacts/models/", StringComparison.Ordinal));
        var definition = Trips.Definition() with { Split = new SplitRules { Seed = Random.Shared.Next() } };
        await using var killed = await StartAsync(services => services.AddSingleton(hold.Storage(azurite)));
        var run = await killed.SubmitAsync(definition, Trips.Csv(600));
        await hold.Held;
        await killed.StopAsync();
        var before = await DetailsAsync(killed, run);

        await using var next = await StartAsync();
        var after = await next.EndOfAsync(run);
        hold.LetGo();
        await Eventually.IsTrueAsync(async () => (await DetailsAsync(next, run)).Stages.All(stage => stage.State != StageState.Running));

        before.Stages.Single(stage => stage.State == StageState.Running).Stage.Should().Be("train");
        after.Run.State.Should().Be(RunState.Succeeded, after.Run.Error);
        after.Stages.Single(stage => stage.Stage == "train").Attempts.Should().Be(2);
        after.Stages.Where(stage => stage.Stage != "train").Should().OnlyContain(stage => stage.Attempts == 1);
        await AssertOneVersionAsync(next, definition.Model);
    }

    [Fact]
    public async Task A_host_killed_between_stages_leaves_the_run_to_the_next()
    {
        var definition = Trips.Definition() with { Gates = new GateRules { Approval = new ApprovalRule(true, TimeSpan.FromHours(1)) } };
        await using var killed = await StartAsync();
        var run = await killed.SubmitAsync(definition, Trips.Csv(600));
        await killed.UntilAsync(run, now => now.Run.State == RunState.Waiting);
        await killed.StopAsync();

        await using var next = await StartAsync();
        await next.Engine.SignalAsync(run.RunId, TrainingPipeline.ApprovalEvent, new ApprovalDecision(true, "Ann").ToPayload(), CancellationToken.None);
        var after = await next.EndOfAsync(run);

        after.Run.State.Should().Be(RunState.Succeeded, after.Run.Error);
        after.Stages.Should().OnlyContain(stage => stage.Attempts == 1);
        await AssertOneVersionAsync(next, definition.Model);
    }

    [Fact]
    public Task A_canary_goes_on_where_a_killed_host_left_it() => KilledCanary.GoesOnAsync(async configure => await StartAsync(configure));

    [Fact]
    public Task A_table_is_scored_on_where_a_killed_host_left_it() => KilledScore.GoesOnAsync(azurite, async configure => await StartAsync(configure));

    private async Task<DurableHost> StartAsync(Action<IServiceCollection>? configure = null) =>
        await DurableHost.StartAsync(azurite, await Backends.AzureStorageAsync(azurite, hub), configure);

    private static async Task<RunDetails> DetailsAsync(DurableHost host, Run run) => (await host.Runs.FindDetailsAsync(run.RunId, CancellationToken.None))!;

    private static async Task AssertOneVersionAsync(DurableHost host, string model)
    {
        var registry = host.Host.Get<ModelRegistry>();
        (await registry.ListVersionsAsync(model, CancellationToken.None)).Should().ContainSingle();
        (await registry.ListHistoryAsync(model, CancellationToken.None)).Should().ContainSingle(change => change.Alias == ModelAlias.Production);
    }
}

using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Orchestration;

[Collection(AzuriteFixture.Collection)]
public sealed class TwiceTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task A_run_whose_every_stage_runs_twice_at_the_same_time_comes_to_the_same()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with { Split = new SplitRules { Seed = Random.Shared.Next() } };
        var once = await host.RunAsync(definition with { Model = AzuriteFixture.UniqueModel() }, host.WriteFile("trips.csv", Trips.Csv(600)));

        var twice = await RunTwiceAsync(host, definition, Path.Combine(host.WorkFolder, "trips.csv"));

        RunSummary.Of(twice).Should().Be(RunSummary.Of(once));
        (await host.Get<ModelRegistry>().ListVersionsAsync(definition.Model, CancellationToken.None)).Should().ContainSingle();
        (await host.Get<ModelRegistry>().ListHistoryAsync(definition.Model, CancellationToken.None)).Should()
            .ContainSingle(change => change.Alias == ModelAlias.Production);
    }

    private static async Task<RunDetails> RunTwiceAsync(PipelineHost host, PipelineDefinition definition, string file)
    {
        var now = DateTimeOffset.UtcNow;
        var run = new Run
        {
            RunId = RunId.New(definition.Model, now),
            Model = definition.Model,
            State = RunState.Running,
            DefinitionId = await host.Get<DefinitionStore>().PutAsync(definition, CancellationToken.None),
            Source = file,
            Trigger = "test",
            Created = now,
        };
        await host.Get<RunStore>().CreateAsync(run, CancellationToken.None);
        var input = RunStarter.Plan(run, definition);
        await Task.WhenAll(
            Task.Run(() => TrainingPipeline.RunAsync(new InlineOrchestration(input, host.Get<StageRunner>()))),
            Task.Run(() => TrainingPipeline.RunAsync(new InlineOrchestration(input, host.Get<StageRunner>()))));
        return (await host.Get<RunStore>().FindDetailsAsync(run.RunId, CancellationToken.None))!;
    }
}

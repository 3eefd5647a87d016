using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Finish;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class FinishTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task A_stage_whose_end_could_not_be_written_does_not_look_as_if_it_ran_on_after_the_run()
    {
        await using var host = new PipelineHost(azurite);
        var (runs, model) = (host.Get<RunStore>(), AzuriteFixture.UniqueModel());
        var run = new Run
        {
            RunId = RunId.New(model, DateTimeOffset.UtcNow),
            Model = model,
            State = RunState.Running,
            DefinitionId = "d",
            Source = "s",
            Trigger = "test",
            Created = DateTimeOffset.UtcNow,
        };
        await runs.CreateAsync(run, default);
        var running = new StageStatus("train", "0", StageState.Running, DateTimeOffset.UtcNow);
        await runs.LogStageAsync(run.RunId, running, default);
        await runs.RecordResultAsync(run.RunId, running with { Key = "1", State = StageState.Succeeded }, "{}", default);
        await runs.LogStageAsync(run.RunId, running with { Key = "1" }, default);

        var call = new StageCall<FinishInput>(run.RunId, "d", "", new FinishInput(Promoted: false, [], "why"));
        await host.Get<StageRunner>().RunAsync(PipelineStages.Finish, call, default);

        var stages = (await runs.FindDetailsAsync(run.RunId, default))!.Stages.ToDictionary(stage => (stage.Stage, stage.Key));
        stages[("train", "0")].State.Should().Be(StageState.Failed);
        stages[("train", "0")].Error.Should().StartWith("It failed, and storage did not answer");
        stages[("train", "1")].State.Should().Be(StageState.Succeeded, "its result is on record");
        stages[("finish", "")].State.Should().Be(StageState.Succeeded);
    }

    [Theory]
    [InlineData(RunState.Succeeded, StageState.Succeeded)]
    [InlineData(RunState.Blocked, StageState.Succeeded)]
    [InlineData(RunState.Failed, StageState.Failed)]
    public async Task A_run_that_came_to_its_goal_has_no_failed_last_stage(RunState state, StageState seen)
    {
        await using var host = new PipelineHost(azurite);
        var (runs, now) = (host.Get<RunStore>(), DateTimeOffset.UtcNow);
        var model = AzuriteFixture.UniqueModel();
        var run = new Run
        {
            RunId = RunId.New(model, now),
            Model = model,
            State = state,
            DefinitionId = "d",
            Source = "s",
            Trigger = "test",
            Created = now,
            Ended = now.AddSeconds(3),
        };
        await runs.CreateAsync(run, default);
        // Storage went away after the run's end was written, and before the stage's was.
        await runs.LogStageAsync(
            run.RunId, new StageStatus("finish", "", StageState.Failed, now, now, Error: "The storage account could not be reached."), default);

        var stage = (await runs.FindDetailsAsync(run.RunId, default))!.Stages.Single();

        stage.State.Should().Be(seen);
        (stage.Error is null).Should().Be(seen == StageState.Succeeded);
        stage.Seconds.Should().Be(seen == StageState.Succeeded ? 3 : null);
    }
}

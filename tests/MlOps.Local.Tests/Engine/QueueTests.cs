using MlOps.Local.Engine;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Local.Tests.Engine;

[Collection(AzuriteFixture.Collection)]
public sealed class QueueTests(AzuriteFixture azurite)
{
    private readonly Probe probe = new();
    private readonly string model = AzuriteFixture.UniqueModel();

    [Fact]
    public async Task Runs_of_one_model_go_one_after_another_oldest_first()
    {
        probe.Work = (_, _, cancel) => Task.Delay(100, cancel);
        await using var host = await EngineHost.StartAsync(
            azurite, probe, orchestration => EngineHost.Stages(orchestration.Run.RunId)(orchestration),
            new EngineOptions { PollInterval = TimeSpan.FromMilliseconds(200), MostRuns = 4 });

        Run[] runs = [await host.SubmitAsync(model), await host.SubmitAsync(model), await host.SubmitAsync(model)];
        foreach (var run in runs)
        {
            await host.EndOfAsync(run);
        }

        probe.MostAtOnce.Should().Be(1);
        probe.Order.Should().Equal(runs.Select(run => run.RunId));
    }

    [Fact]
    public async Task A_run_that_is_to_skip_ends_while_an_earlier_one_goes_and_has_done_nothing()
    {
        var go = new TaskCompletionSource();
        probe.Work = (_, _, cancel) => go.Task.WaitAsync(cancel);
        await using var host = await EngineHost.StartAsync(azurite, probe);
        var first = await host.SubmitAsync(model);
        var second = await host.SubmitAsync(model, Overlap.Skip);

        var skipped = await host.EndOfAsync(second);
        go.SetResult();
        var ended = await host.EndOfAsync(first);

        (skipped.State, skipped.Error).Should().Be((RunState.Cancelled, RunOrder.WhySkipped));
        ended.State.Should().Be(RunState.Succeeded);
        probe.Calls(model).Should().Be(1);
    }

    [Fact]
    public async Task A_run_that_may_go_in_parallel_does()
    {
        var both = new TaskCompletionSource();
        probe.Work = async (_, _, cancel) =>
        {
            if (probe.MostAtOnce == 2)
            {
                both.TrySetResult();
            }
            await both.Task.WaitAsync(cancel);
        };
        await using var host = await EngineHost.StartAsync(azurite, probe);

        Run[] runs = [await host.SubmitAsync(model), await host.SubmitAsync(model, Overlap.Parallel)];
        var ended = await Task.WhenAll(runs.Select(host.EndOfAsync));

        ended.Should().OnlyContain(run => run.State == RunState.Succeeded);
    }

    [Fact]
    public async Task A_run_that_only_ingests_has_a_place_beside_the_trainings_of_others()
    {
        var trained = new TaskCompletionSource();
        var ingesting = AzuriteFixture.UniqueModel();
        probe.Work = (key, _, cancel) => key == ingesting ? Task.CompletedTask : trained.Task.WaitAsync(cancel);
        var two = new EngineOptions { PollInterval = TimeSpan.FromMilliseconds(200), MostRuns = 2 };
        await using var host = await EngineHost.StartAsync(azurite, probe, options: two);
        Run[] trainings = [await host.SubmitAsync(AzuriteFixture.UniqueModel()), await host.SubmitAsync(AzuriteFixture.UniqueModel())];
        await Eventually.IsTrueAsync(() => trainings.All(run => probe.Calls(run.Model) == 1));

        var ingested = await host.EndOfAsync(await host.SubmitAsync(ingesting, RunGoal.Dataset));
        var third = await host.SubmitAsync(AzuriteFixture.UniqueModel());
        trained.SetResult();

        ingested.State.Should().Be(RunState.Succeeded);
        (await host.EndOfAsync(third)).State.Should().Be(RunState.Succeeded);
        probe.MostAtOnce.Should().BeLessThanOrEqualTo(3);
    }

    [Fact]
    public async Task No_more_runs_than_allowed_work_at_the_same_time()
    {
        probe.Work = (_, _, cancel) => Task.Delay(300, cancel);
        var two = new EngineOptions { PollInterval = TimeSpan.FromMilliseconds(200), MostRuns = 2 };
        await using var host = await EngineHost.StartAsync(azurite, probe, options: two);

        var runs = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => host.SubmitAsync(AzuriteFixture.UniqueModel())));
        await Task.WhenAll(runs.Select(host.EndOfAsync));

        probe.MostAtOnce.Should().Be(2);
    }

    [Fact]
    public async Task A_stopped_hosts_run_is_taken_up_by_the_next_and_finished_stages_are_not_redone()
    {
        probe.Work = (key, call, cancel) => key == "second" && call == 1 ? Task.Delay(Timeout.InfiniteTimeSpan, cancel) : Task.CompletedTask;
        var stages = EngineHost.Stages("first", "second", "third");
        await using var before = await EngineHost.StartAsync(azurite, probe, stages);
        var run = await before.SubmitAsync(model);
        await Eventually.IsTrueAsync(() => probe.Calls("second") == 1);
        await before.StopAsync();
        var left = await before.Runs.FindAsync(run.RunId, CancellationToken.None);
        var firstStage = await before.StageAsync(run, "first");
        await using var after = await EngineHost.StartAsync(azurite, probe, stages);

        var ended = await after.EndOfAsync(run);

        left!.State.Should().Be(RunState.Running);
        ended.State.Should().Be(RunState.Succeeded);
        ended.Started.Should().Be(left.Started);
        (probe.Calls("first"), probe.Calls("second"), probe.Calls("third")).Should().Be((1, 2, 1));
        (await after.StageAsync(run, "first")).Should().BeEquivalentTo(firstStage);
    }

    [Fact]
    public async Task A_cancelled_run_stops_its_stage_and_stays_cancelled()
    {
        probe.Work = (_, _, cancel) => Task.Delay(Timeout.InfiniteTimeSpan, cancel);
        await using var host = await EngineHost.StartAsync(azurite, probe);
        var run = await host.SubmitAsync(model);
        await Eventually.IsTrueAsync(() => probe.Calls(model) == 1);

        await host.Engine.CancelAsync(run.RunId, "wrong file", CancellationToken.None);

        await Eventually.IsTrueAsync(async () => (await host.StageAsync(run, model))!.State == StageState.Failed);
        (await host.StageAsync(run, model))!.Error.Should().Be("cancelled: wrong file");
        var ended = await host.EndOfAsync(run);
        (ended.State, ended.Error).Should().Be((RunState.Cancelled, "wrong file"));
    }

    [Fact]
    public async Task A_run_cancelled_by_another_process_stops_too()
    {
        probe.Work = (_, _, cancel) => Task.Delay(Timeout.InfiniteTimeSpan, cancel);
        await using var host = await EngineHost.StartAsync(azurite, probe);
        var run = await host.SubmitAsync(model);
        await Eventually.IsTrueAsync(() => probe.Calls(model) == 1);

        var elsewhere = new RemoteEngine(host.Runs, host.Services.Get<RunEvents>());
        await elsewhere.CancelAsync(run.RunId, "changed my mind", CancellationToken.None);

        await Eventually.IsTrueAsync(async () => (await host.StageAsync(run, model))!.State == StageState.Failed);
    }

    [Fact]
    public async Task A_run_cancelled_while_it_is_queued_never_starts_and_the_next_one_does()
    {
        var go = new TaskCompletionSource();
        probe.Work = (_, _, cancel) => go.Task.WaitAsync(cancel);
        await using var host = await EngineHost.StartAsync(azurite, probe, orchestration => EngineHost.Stages(orchestration.Run.RunId)(orchestration));
        var first = await host.SubmitAsync(model);
        var second = await host.SubmitAsync(model);
        var third = await host.SubmitAsync(model);

        await host.Engine.CancelAsync(second.RunId, "not needed", CancellationToken.None);
        go.SetResult();
        var last = await host.EndOfAsync(third);

        last.State.Should().Be(RunState.Succeeded);
        probe.Order.Should().Equal(first.RunId, third.RunId);
        (await host.Runs.FindAsync(second.RunId, CancellationToken.None))!.State.Should().Be(RunState.Cancelled);
    }
}

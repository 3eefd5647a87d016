using MlOps.Local.Engine;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Local.Tests.Engine;

[Collection(AzuriteFixture.Collection)]
public sealed class EventTests(AzuriteFixture azurite)
{
    private const string Event = "approval";

    private readonly Probe probe = new();
    private readonly string model = AzuriteFixture.UniqueModel();

    /// <summary>Waits for the event and writes into the run's error what came.</summary>
    private static Orchestrate Waiting(TimeSpan timeout) => async orchestration =>
    {
        var payload = await orchestration.WaitForEventAsync(Event, timeout);
        await EngineHost.FinishAsync(orchestration, $"got {payload ?? "nothing"}");
    };

    [Fact]
    public async Task A_run_waits_until_a_person_decides()
    {
        await using var host = await EngineHost.StartAsync(azurite, probe, Waiting(TimeSpan.FromHours(1)));
        var run = await host.SubmitAsync(model);
        await host.UntilAsync(run, now => now.State == RunState.Waiting);

        await host.Engine.SignalAsync(run.RunId, Event, "approved", CancellationToken.None);

        (await host.EndOfAsync(run)).Error.Should().Be("got approved");
    }

    [Fact]
    public async Task A_decision_before_the_wait_is_not_lost()
    {
        await using var host = await EngineHost.StartAsync(azurite, probe, async orchestration =>
        {
            await EngineHost.ProbeAsync(orchestration, "before");
            await Waiting(TimeSpan.FromHours(1))(orchestration);
        });
        var go = new TaskCompletionSource();
        probe.Work = (_, _, cancel) => go.Task.WaitAsync(cancel);
        var run = await host.SubmitAsync(model);
        await Eventually.IsTrueAsync(() => probe.Calls("before") == 1);

        await host.Engine.SignalAsync(run.RunId, Event, "approved", CancellationToken.None);
        go.SetResult();

        (await host.EndOfAsync(run)).Error.Should().Be("got approved");
    }

    [Fact]
    public async Task The_first_decision_counts()
    {
        await using var host = await EngineHost.StartAsync(azurite, probe, async orchestration =>
        {
            await EngineHost.ProbeAsync(orchestration, "before");
            await Waiting(TimeSpan.FromHours(1))(orchestration);
        });
        var go = new TaskCompletionSource();
        probe.Work = (_, _, cancel) => go.Task.WaitAsync(cancel);
        var run = await host.SubmitAsync(model);

        await host.Engine.SignalAsync(run.RunId, Event, "too old", CancellationToken.None);
        await host.Engine.SignalAsync(run.RunId, Event, "approved", CancellationToken.None);
        go.SetResult();

        (await host.EndOfAsync(run)).Error.Should().Be("got too old");
    }

    [Fact]
    public async Task Nobody_deciding_in_time_ends_the_wait_for_good()
    {
        await using var host = await EngineHost.StartAsync(azurite, probe, Waiting(TimeSpan.FromMilliseconds(300)));

        var run = await host.EndOfAsync(await host.SubmitAsync(model));
        await host.Engine.SignalAsync(run.RunId, Event, "approved", CancellationToken.None);

        run.Error.Should().Be("got nothing");
        (await host.Services.Get<RunEvents>().FindAsync(run.RunId, Event, CancellationToken.None))!.Payload
            .Should().BeNull("a replay must see what the run saw");
    }

    [Fact]
    public async Task The_wait_and_its_deadline_outlive_the_host()
    {
        var stages = Waiting(TimeSpan.FromHours(12));
        await using var before = await EngineHost.StartAsync(azurite, probe, stages);
        await before.StopAsync();
        var run = await before.SubmitAsync(model);
        var yesterday = new RunEvents(azurite.NewStorage(), new Earlier(TimeSpan.FromDays(1)));
        await yesterday.WaitStartAsync(run.RunId, Event, CancellationToken.None);
        await using var after = await EngineHost.StartAsync(azurite, probe, stages);

        (await after.EndOfAsync(run)).Error.Should().Be("got nothing");
    }

    [Fact]
    public async Task A_run_taken_up_again_waits_on_and_shows_it()
    {
        var stages = Waiting(TimeSpan.FromHours(1));
        await using var before = await EngineHost.StartAsync(azurite, probe, stages);
        var run = await before.SubmitAsync(model);
        await before.UntilAsync(run, now => now.State == RunState.Waiting);
        await before.StopAsync();
        await using var after = await EngineHost.StartAsync(azurite, probe, stages);
        await Eventually.IsTrueAsync(async () => (await after.Services.Storage.Leases.GetBlobClient(run.RunId).ExistsAsync()).Value);
        await after.UntilAsync(run, now => now.State == RunState.Waiting);

        await after.Engine.SignalAsync(run.RunId, Event, "approved", CancellationToken.None);

        (await after.EndOfAsync(run)).Error.Should().Be("got approved");
    }

    [Fact]
    public async Task A_waiting_run_leaves_its_place_to_another_model()
    {
        var other = AzuriteFixture.UniqueModel();
        await using var host = await EngineHost.StartAsync(
            azurite, probe,
            orchestration => orchestration.Run.Model == model ? Waiting(TimeSpan.FromHours(1))(orchestration) : EngineHost.OneStage(orchestration),
            new EngineOptions { PollInterval = TimeSpan.FromMilliseconds(200), MostRuns = 1 });
        var waiting = await host.SubmitAsync(model);
        await host.UntilAsync(waiting, now => now.State == RunState.Waiting);

        var ended = await host.EndOfAsync(await host.SubmitAsync(other));

        ended.State.Should().Be(RunState.Succeeded);
        (await host.Runs.FindAsync(waiting.RunId, CancellationToken.None))!.State.Should().Be(RunState.Waiting);
    }

    private sealed class Earlier(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UtcNow - by;
    }
}

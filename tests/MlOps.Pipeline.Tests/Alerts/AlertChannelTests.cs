using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Stages.Alerting;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Alerts;

[Collection(AzuriteFixture.Collection)]
public sealed class AlertChannelTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task Every_channel_gets_an_alert_and_what_became_of_it_is_kept_of_each()
    {
        var mail = new Channel("mail");
        var pager = new Channel("pager") { Answer = _ => Task.FromResult<string?>("Nobody is on call.") };
        var broken = new Channel("broken") { Answer = _ => throw new InvalidOperationException("the secret is 42") };
        var off = new Channel("off") { OffBecause = "No address is set." };
        await using var host = HostOf(null, mail, pager, broken, off);

        var run = await host.RunAsync(Trips.Definition(), host.WriteFile("trips.csv", Trips.Csv(500, seed: 91)));

        run.Run.State.Should().Be(RunState.Succeeded);
        var alert = run.Alerts.Should().ContainSingle().Subject;
        alert.Deliveries.Should().BeEquivalentTo(
            [
                new AlertDelivery("slack", AlertState.NotSent, "No Slack webhook is set."),
                new AlertDelivery("mail", AlertState.Sent),
                new AlertDelivery("pager", AlertState.Failed, "Nobody is on call."),
                new AlertDelivery("broken", AlertState.Failed, "The channel failed (InvalidOperationException); the host's log says more."),
                new AlertDelivery("off", AlertState.NotSent, "No address is set."),
            ]);
        alert.State.Should().Be(AlertState.Failed);
        run.Stages.Single(stage => stage.Stage == "alert").Warnings.Should().HaveCount(2)
            .And.Contain(warning => warning.Text == "pager: Nobody is on call.");
        var told = mail.Told.Should().ContainSingle().Subject;
        told.Title.Should().EndWith("version 1 is in production");
        off.Told.Should().BeEmpty();
    }

    [Fact]
    public async Task A_channel_that_hangs_and_does_not_listen_holds_up_nothing_for_longer_than_the_timeout()
    {
        var hangs = new Channel("hangs") { Answer = _ => Task.Delay(Timeout.InfiniteTimeSpan).ContinueWith(_ => (string?)null, TaskScheduler.Default) };
        var blocks = new Channel("blocks")
        {
            Answer = _ =>
            {
                Thread.Sleep(TimeSpan.FromSeconds(20));
                return Task.FromResult<string?>(null);
            },
        };
        var mail = new Channel("mail");
        await using var host = HostOf(new AlertOptions { Timeout = TimeSpan.FromSeconds(1) }, hangs, blocks, mail);
        var clock = Stopwatch.StartNew();

        var alert = await TellAsync(host, await NewRunAsync(host));

        clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(15));
        alert.Deliveries.Where(delivery => delivery.State == AlertState.Failed).Should().HaveCount(2)
            .And.OnlyContain(delivery => delivery.Problem!.StartsWith("The channel did not answer in time"));
        alert.HasArrived.Should().BeTrue();
    }

    [Fact]
    public async Task No_channel_gets_the_same_alert_of_a_run_twice()
    {
        var mail = new Channel("mail");
        var pager = new Channel("pager") { Answer = _ => Task.FromResult<string?>("busy") };
        await using var one = HostOf(null, mail, pager);
        await using var two = HostOf(null, mail, pager);
        var runId = await NewRunAsync(one);

        await Task.WhenAll(Enumerable.Range(0, 10).Select(i => TellAsync(i % 2 == 0 ? one : two, runId)));

        mail.Told.Should().ContainSingle();
        pager.Told.Should().ContainSingle();
    }

    [Fact]
    public void An_alert_of_an_earlier_release_is_read()
    {
        var alert = Json.Read<Alert>("""{"kind":"runFailed","state":"sent","title":"t","reasons":["why"],"at":"2026-01-01T00:00:00+00:00"}""");

        (alert.Kind, alert.Title, alert.Deliveries.Count, alert.State).Should().Be((AlertKind.RunFailed, "t", 0, AlertState.NotSent));
    }

    private PipelineHost HostOf(AlertOptions? options, params Channel[] channels) => new(azurite, services =>
    {
        services.AddSingleton(options ?? new AlertOptions());
        services.AddMlOps(add => channels.ToList().ForEach(channel => add.AddAlert(channel)));
    });

    private static async Task<string> NewRunAsync(PipelineHost host)
    {
        var model = AzuriteFixture.UniqueModel();
        var runId = RunId.New(model, DateTimeOffset.UtcNow);
        var now = DateTimeOffset.UtcNow;
        await host.Get<RunStore>().CreateAsync(
            new Run { RunId = runId, Model = model, State = RunState.Running, DefinitionId = "d", Source = "s", Trigger = "test", Created = now }, default);
        return runId;
    }

    private static async Task<Alert> TellAsync(PipelineHost host, string runId)
    {
        await host.Get<AlertStage>().RunAsync(host.Context(runId), new AlertInput(AlertKind.RunFailed, [new Reason("why")]), default);
        return (await host.Get<RunStore>().FindDetailsAsync(runId, default))!.Alerts.Single();
    }

    private sealed class Channel(string name) : IAlertChannel
    {
        public ConcurrentQueue<Alert> Told { get; } = new();

        public Func<Alert, Task<string?>> Answer { get; init; } = _ => Task.FromResult<string?>(null);

        public string Name => name;

        public string? OffBecause { get; init; }

        public Task<string?> SendAsync(Alert alert, AlertSubject subject, CancellationToken cancel)
        {
            Told.Enqueue(alert);
            return Answer(alert);
        }
    }
}

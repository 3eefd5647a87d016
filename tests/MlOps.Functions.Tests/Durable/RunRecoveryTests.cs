using Microsoft.Extensions.Logging.Abstractions;
using MlOps.Functions.Durable;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Functions.Tests.Durable;

[Collection(AzuriteFixture.Collection)]
public sealed class RunRecoveryTests(AzuriteFixture azurite)
{
    private readonly PipelineDefinition definition =
        Trips.Definition() with { Gates = new GateRules { Approval = new ApprovalRule(true, TimeSpan.FromHours(1)) } };

    [Fact]
    public async Task A_run_whose_starter_died_before_it_was_scheduled_is_started()
    {
        await using var host = await DurableHost.StartAsync(azurite, Backends.InMemory());
        var run = await AbandonedAsync(host);

        await RecoveryIn(host, TimeSpan.Zero).LookAsync(CancellationToken.None);
        var early = await host.Client.GetInstanceAsync(run.RunId);
        await RecoveryIn(host, TimeSpan.FromMinutes(2)).LookAsync(CancellationToken.None);
        await host.UntilAsync(run, now => now.Run.State == RunState.Waiting);

        early.Should().BeNull("its starter may be about to schedule it");
        await host.Engine.CancelAsync(run.RunId, "seen", CancellationToken.None);
    }

    [Fact]
    public async Task A_run_whose_instance_was_ended_by_hand_is_closed()
    {
        await using var host = await DurableHost.StartAsync(azurite, Backends.InMemory());
        var run = await host.SubmitAsync(definition, Trips.Csv(300));
        await host.UntilAsync(run, now => now.Run.State == RunState.Waiting);
        await host.Client.TerminateInstanceAsync(run.RunId, "by hand");
        await host.Client.WaitForInstanceCompletionAsync(run.RunId);

        await RecoveryIn(host, TimeSpan.FromMinutes(2)).LookAsync(CancellationToken.None);

        var closed = await host.Runs.FindAsync(run.RunId, CancellationToken.None);
        closed!.State.Should().Be(RunState.Failed);
        closed.Error.Should().Contain("Terminated").And.Contain($"POST /runs/{run.RunId}/retry");
    }

    [Fact]
    public async Task A_run_that_waits_is_left_alone()
    {
        await using var host = await DurableHost.StartAsync(azurite, Backends.InMemory());
        var run = await host.SubmitAsync(definition, Trips.Csv(300));
        await host.UntilAsync(run, now => now.Run.State == RunState.Waiting);

        await RecoveryIn(host, TimeSpan.FromDays(2)).LookAsync(CancellationToken.None);

        (await host.Runs.FindAsync(run.RunId, CancellationToken.None))!.State.Should().Be(RunState.Waiting);
        await host.Engine.CancelAsync(run.RunId, "seen", CancellationToken.None);
    }

    /// <summary>A row without an instance.</summary>
    private async Task<Run> AbandonedAsync(DurableHost host)
    {
        var blob = $"{definition.Model}/a.csv";
        await host.Host.Storage.Raw.GetBlobClient(blob).UploadAsync(BinaryData.FromString(Trips.Csv(300)));
        var now = DateTimeOffset.UtcNow;
        var run = new Run
        {
            RunId = RunId.New(definition.Model, now),
            Model = definition.Model,
            State = RunState.Queued,
            DefinitionId = await host.Host.Get<DefinitionStore>().PutAsync(definition, CancellationToken.None),
            Source = "raw/" + blob,
            Trigger = "http",
            Created = now,
        };
        await host.Runs.CreateAsync(run, CancellationToken.None);
        return run;
    }

    private static RunRecovery RecoveryIn(DurableHost host, TimeSpan later) => new(
        host.Client, host.Engine, host.Runs, host.Host.Get<DefinitionStore>(), new Later(later), NullLogger<RunRecovery>.Instance);

    private sealed class Later(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UtcNow + by;
    }
}

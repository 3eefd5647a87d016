using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Functions.Durable;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.OpenLineage;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Functions.Tests.Durable;

/// <summary>What a receiver of OpenLineage events is told of durable runs: one start and one end each, whatever becomes of their hosts.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class LineageTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly string hub = Backends.NewHub();

    private LineageReceiver receiver = null!;

    public async Task InitializeAsync() => receiver = await LineageReceiver.StartAsync();

    public async Task DisposeAsync() => await receiver.DisposeAsync();

    [Fact]
    public async Task A_run_whose_host_is_killed_while_it_waits_is_told_of_once()
    {
        var definition = Trips.Definition() with { Gates = new GateRules { Approval = new ApprovalRule(true, TimeSpan.FromHours(1)) } };
        await using var killed = await StartAsync();
        var run = await killed.SubmitAsync(definition, Trips.Csv(300));
        await killed.UntilAsync(run, now => now.Run.State == RunState.Waiting);
        await LookAsync(killed);
        receiver.TypesOf(LineageEvents.IdOf(run.RunId)).Should().Equal("START");
        await killed.StopAsync();

        await using var next = await StartAsync();
        await LookAsync(next);
        await next.Engine.SignalAsync(run.RunId, TrainingPipeline.ApprovalEvent, new ApprovalDecision(true, "Ann").ToPayload(), CancellationToken.None);
        await next.EndOfAsync(run);
        await LookAsync(next);
        await LookAsync(next);

        receiver.TypesOf(LineageEvents.IdOf(run.RunId)).Should().Equal("START", "COMPLETE");
    }

    [Fact]
    public async Task A_run_that_was_cancelled_is_aborted_and_one_that_was_ended_by_hand_fails()
    {
        var definition = Trips.Definition() with { Gates = new GateRules { Approval = new ApprovalRule(true, TimeSpan.FromHours(1)) } };
        await using var host = await StartAsync();
        var cancelled = await host.SubmitAsync(definition, Trips.Csv(300));
        await host.UntilAsync(cancelled, now => now.Run.State == RunState.Waiting);
        await host.Engine.CancelAsync(cancelled.RunId, "wrong file", CancellationToken.None);
        var ended = await host.SubmitAsync(definition, Trips.Csv(300));
        await host.UntilAsync(ended, now => now.Run.State == RunState.Waiting);
        await host.Client.TerminateInstanceAsync(ended.RunId, "by hand");
        await host.Client.WaitForInstanceCompletionAsync(ended.RunId);
        await LookAsync(host);
        var recovery = new RunRecovery(
            host.Client, host.Engine, host.Runs, host.Host.Get<DefinitionStore>(), new Later(TimeSpan.FromMinutes(2)),
            Microsoft.Extensions.Logging.Abstractions.NullLogger<RunRecovery>.Instance);
        await recovery.LookAsync(CancellationToken.None);

        await LookAsync(host);

        receiver.TypesOf(LineageEvents.IdOf(cancelled.RunId)).Should().Equal("START", "ABORT");
        receiver.TypesOf(LineageEvents.IdOf(ended.RunId)).Should().Equal("START", "FAIL");
    }

    /// <summary>What the timer does each minute.</summary>
    private static Task LookAsync(DurableHost host) => host.Host.Get<LineageSender>().SendDueAsync(CancellationToken.None);

    private async Task<DurableHost> StartAsync() => await DurableHost.StartAsync(
        azurite, await Backends.AzureStorageAsync(azurite, hub),
        services => services.Replace(ServiceDescriptor.Singleton(new OpenLineageOptions { Endpoint = new Uri(receiver.Url, "api/v1/lineage") })));

    private sealed class Later(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}

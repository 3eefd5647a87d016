using DurableTask.Core.History;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Functions.Tests.Durable;

/// <summary>Runs that are under way while the app becomes another version.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class VersionTests(AzuriteFixture azurite)
{
    private static readonly GateRules ByApproval = new() { Approval = new ApprovalRule(true, TimeSpan.FromHours(1)) };

    /// <summary>Under version 3 candidates ask before they train, and under version 2 they did not: that the run has trained already, it replays so.</summary>
    [Theory]
    [InlineData("1", "2")]
    [InlineData("2", "3")]
    public async Task A_run_begun_under_a_version_goes_on_under_the_next(string before, string now)
    {
        var hub = Backends.NewHub();
        var first = await DurableHost.StartAsync(azurite, await Backends.AzureStorageAsync(azurite, hub), version: before);
        var run = await first.SubmitAsync(Trips.Definition() with { Gates = ByApproval }, Trips.Csv(300));
        await first.UntilAsync(run, seen => seen.Run.State == RunState.Waiting);
        await first.StopAsync();

        var backend = await Backends.AzureStorageAsync(azurite, hub);
        await using var second = await DurableHost.StartAsync(azurite, backend, version: now);
        await second.Engine.SignalAsync(run.RunId, TrainingPipeline.ApprovalEvent, new ApprovalDecision(true, "Ann").ToPayload(), CancellationToken.None);
        var ended = await second.EndOfAsync(run);
        await second.Client.WaitForInstanceCompletionAsync(run.RunId);
        var later = await second.SubmitAsync(Trips.Definition(), Trips.Csv(300));
        await second.EndOfAsync(later);

        (ended.Run.State, ended.Run.Promoted).Should().Be((RunState.Succeeded, true), ended.Run.Error);
        (await VersionOfAsync(run)).Should().Be(before, "an instance keeps the version that it began under");
        (await VersionOfAsync(later)).Should().Be(now);
        await first.DisposeAsync();

        async Task<string> VersionOfAsync(Run of) =>
            Histories.Read(await Histories.OfAsync(backend, of.RunId)).OfType<ExecutionStartedEvent>().First().Version;
    }

    [Fact]
    public async Task A_run_begun_before_versions_were_told_goes_on_under_version_1()
    {
        var hub = Backends.NewHub();
        var first = await DurableHost.StartAsync(azurite, await Backends.AzureStorageAsync(azurite, hub), version: DurableHost.Unversioned);
        var run = await first.SubmitAsync(Trips.Definition() with { Gates = ByApproval }, Trips.Csv(300));
        await first.UntilAsync(run, now => now.Run.State == RunState.Waiting);
        await first.StopAsync();

        await using var second = await DurableHost.StartAsync(azurite, await Backends.AzureStorageAsync(azurite, hub), version: "1");
        await second.Engine.SignalAsync(run.RunId, TrainingPipeline.ApprovalEvent, new ApprovalDecision(true, "Ann").ToPayload(), CancellationToken.None);

        (await second.EndOfAsync(run)).Run.State.Should().Be(RunState.Succeeded);
        await first.DisposeAsync();
    }
}

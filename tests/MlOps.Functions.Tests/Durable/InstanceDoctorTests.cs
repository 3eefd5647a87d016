using Azure.Data.Tables;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using MlOps.Functions.Durable;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Deletion;
using MlOps.Pipeline.Doctor;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Functions.Tests.Durable;

/// <summary>What the doctor tells of runs and their instances in Durable Functions' Azure Storage provider, in a storage of the class's own.</summary>
public sealed class InstanceDoctorTests(AzuriteFixture azurite) : IClassFixture<AzuriteFixture>
{
    /// <summary>Longer than what is on its way may take.</summary>
    private static readonly TimeSpan Later = TimeSpan.FromMinutes(10);

    private readonly PipelineDefinition definition =
        Trips.Definition() with { Gates = new GateRules { Approval = new ApprovalRule(true, TimeSpan.FromHours(1)) } };

    [Fact]
    public async Task A_run_in_flight_is_no_finding_and_one_whose_instance_was_terminated_is_told_until_the_app_has_closed_it()
    {
        await using var host = await DurableHost.StartAsync(azurite, await Backends.AzureStorageAsync(azurite));
        var run = await WaitingAsync(host);
        (await FindingsAsync(run, Later)).Should().BeEmpty("its orchestration waits");
        await host.Client.TerminateInstanceAsync(run.RunId, "by hand");
        await host.Client.WaitForInstanceCompletionAsync(run.RunId);

        var found = (await FindingsAsync(run, Later)).Should().ContainSingle().Which;
        var early = await FindingsAsync(run, TimeSpan.Zero);
        await RecoveryIn(host).LookAsync(CancellationToken.None);

        found.Should().BeEquivalentTo(new { Kind = FindingKind.Stopped, Where = $"runs/{run.RunId}", Remedy = (string?)null });
        found.Problem.Should().Be(
            "It counts as waiting, and its orchestration has ended as Terminated: nobody has it. Within two minutes the Functions app, where "
                + $"it runs, closes it as failed (a retry starts it again); POST /runs/{run.RunId}/cancel ends it at once.");
        new Examination([found], 0, 0, 0, 0).IsSound.Should().BeTrue();
        early.Should().BeEmpty("the app leaves a young run alone");
        (await host.Runs.FindAsync(run.RunId, CancellationToken.None))!.State.Should().Be(RunState.Failed);
        (await FindingsAsync(run, Later)).Should().BeEmpty();
    }

    [Fact]
    public async Task A_run_whose_instance_is_gone_is_told_until_the_app_has_started_it_again()
    {
        await using var host = await DurableHost.StartAsync(azurite, await Backends.AzureStorageAsync(azurite, TaskHubs.DefaultName));
        var run = await WaitingAsync(host);
        (await FindingsAsync(run, Later)).Should().BeEmpty("its orchestration waits");
        await new TableClient(azurite.ConnectionString, TaskHubs.DefaultName + "Instances").DeleteEntityAsync(run.RunId, "");

        var found = (await FindingsAsync(run, Later)).Should().ContainSingle().Which;
        await RecoveryIn(host).LookAsync(CancellationToken.None);

        (found.Kind, found.Where).Should().Be((FindingKind.Stopped, $"runs/{run.RunId}"));
        found.Problem.Should().Be(
            "It counts as waiting, and it has no orchestration instance: nobody has it. Within two minutes the Functions app, where it runs, starts "
                + $"it; POST /runs/{run.RunId}/cancel ends it at once.");
        await Eventually.IsTrueAsync(async () => (await FindingsAsync(run, Later)).Count == 0);
        await host.Engine.CancelAsync(run.RunId, "seen", CancellationToken.None);
    }

    [Fact]
    public async Task An_instance_whose_run_has_ended_or_is_gone_is_told_until_it_ends_itself()
    {
        await using var host = await DurableHost.StartAsync(azurite, await Backends.AzureStorageAsync(azurite));
        var run = await WaitingAsync(host);
        await host.Runs.MarkEndedAsync(run.RunId, RunState.Cancelled, "by hand", CancellationToken.None);
        await host.Runs.CloseStagesAsync(run.RunId, "by hand", CancellationToken.None);

        var early = await FindingsAsync(run, TimeSpan.Zero);
        var ended = await FindingsAsync(run, Later);
        await host.Host.Get<RunDeletion>().DeleteAsync(run.RunId, CancellationToken.None);
        var gone = await FindingsAsync(run, Later);
        await host.Client.TerminateInstanceAsync(run.RunId, "by hand");
        await host.Client.WaitForInstanceCompletionAsync(run.RunId);

        early.Should().BeEmpty("who cancels a run ends its orchestration after it");
        ended.Should().ContainSingle().Which.Should().BeEquivalentTo(new Finding(
            FindingKind.Orphan, $"instances/{run.RunId}",
            "The orchestration is Running, and its run has ended as cancelled. It ends by itself with its next stages, or when what it waits for is over; "
                + "Durable Functions' terminate ends it at once."));
        new Examination(ended, 0, 0, 0, 0).IsSound.Should().BeTrue();
        gone.Should().ContainSingle().Which.Problem.Should().StartWith("The orchestration is Running, and there is no such run.");
        (await FindingsAsync(run, Later)).Should().BeEmpty();
    }

    [Fact]
    public async Task A_run_that_another_engine_left_is_told_only_while_the_app_does_not_have_it()
    {
        await using var host = await DurableHost.StartAsync(azurite, await Backends.AzureStorageAsync(azurite));
        var run = await WaitingAsync(host);
        await host.Runs.UpdateAsync(run.RunId, row => row with { State = RunState.Running }, CancellationToken.None);
        await host.Host.Storage.Leases.GetBlobClient(run.RunId).UploadAsync(BinaryData.FromString(""));

        var had = await FindingsAsync(run, Later);
        await host.Client.TerminateInstanceAsync(run.RunId, "by hand");
        await host.Client.WaitForInstanceCompletionAsync(run.RunId);
        var left = await FindingsAsync(run, Later);

        had.Should().BeEmpty("the app has taken it up");
        left.Should().ContainSingle().Which.Problem.Should().StartWith("It counts as running, and no host has it");
        await host.Engine.CancelAsync(run.RunId, "seen", CancellationToken.None);
    }

    private async Task<Run> WaitingAsync(DurableHost host)
    {
        var run = await host.SubmitAsync(definition, Trips.Csv(300));
        await host.UntilAsync(run, now => now.Run.State == RunState.Waiting);
        return run;
    }

    private async Task<IReadOnlyList<Finding>> FindingsAsync(Run run, TimeSpan later)
    {
        await using var then = new PipelineHost(
            azurite, services => services.AddSingleton<TimeProvider>(new Ahead(later)));
        return
        [
            .. (await then.Get<StorageDoctor>().ExamineAsync(CancellationToken.None)).Findings
                .Where(finding => finding.Where.Contains(run.RunId, StringComparison.Ordinal)),
        ];
    }

    private static RunRecovery RecoveryIn(DurableHost host) => new(
        host.Client, host.Engine, host.Runs, host.Host.Get<DefinitionStore>(), new Ahead(Later), NullLogger<RunRecovery>.Instance);

    private sealed class Ahead(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UtcNow + by;
    }
}

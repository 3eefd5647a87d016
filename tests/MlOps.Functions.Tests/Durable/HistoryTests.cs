using DurableTask.Core;
using DurableTask.Core.History;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Clean;
using MlOps.Pipeline.Stages.Drift;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Functions.Tests.Durable;

/// <summary>What runs leave in their history, and that tomorrow's app can go on from today's.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class HistoryTests(AzuriteFixture azurite)
{
    private const int Limit = 16 * 1024;

    public static TheoryData<string> Recorded => [.. Directory.GetFiles(Histories.Folder(), "*.json").Select(file => Path.GetFileNameWithoutExtension(file)!)];

    /// <summary>
    /// When this fails, runs that are under way while the app is updated will fail too: rename the orchestrator (old runs need the old one),
    /// or let them end first. Then record anew: set MLOPS_RECORD_HISTORIES=1 and run <see cref="Runs_replay_and_are_recorded_on_demand"/>.
    /// </summary>
    [Theory]
    [MemberData(nameof(Recorded))]
    public void A_recorded_run_replays_on_todays_orchestrator(string name)
    {
        var history = Histories.Read(File.ReadAllText(Path.Combine(Histories.Folder(), name + ".json")));

        var end = Histories.Replay(history);

        end.OrchestrationStatus.Should().Be(OrchestrationStatus.Completed, end.FailureDetails?.ErrorMessage);
        end.Result.Should().Be(history.OfType<ExecutionCompletedEvent>().Single().Result);
    }

    [Fact]
    public void A_history_of_other_steps_does_not_replay()
    {
        var history = Histories.Read(File.ReadAllText(Path.Combine(Histories.Folder(), "approved.json"))).ToList();
        var scheduled = history.OfType<TaskScheduledEvent>().First(task => task.Name == "CleanStage");
        history[history.IndexOf(scheduled)] =
            new TaskScheduledEvent(scheduled.EventId, "ScrubStage") { Input = scheduled.Input, Timestamp = scheduled.Timestamp };

        Histories.Replay(history).OrchestrationStatus.Should().Be(OrchestrationStatus.Failed);
    }

    [Theory]
    [InlineData("approved")]
    [InlineData("blocked")]
    [InlineData("failed")]
    public async Task Runs_replay_and_are_recorded_on_demand(string name)
    {
        var definition = Trips.Definition("recorded") with
        {
            Target = name == "failed" ? "fair" : "fare",
            Candidates = [.. TrainerNames.BuiltIn.Select(trainer => new CandidateSpec { Trainer = trainer, Trees = 5 })],
            Gates = name == "blocked" ? new GateRules { AtMost = 0.0001 } : new GateRules { Approval = new ApprovalRule(true, TimeSpan.FromHours(1)) },
        };
        var backend = await Backends.AzureStorageAsync(azurite);
        await using var host = await DurableHost.StartAsync(azurite, backend, SmallParts);
        var run = await host.SubmitAsync(definition, NotIngestedBefore());
        if (name == "approved")
        {
            await host.UntilAsync(run, now => now.Run.State == RunState.Waiting);
            await host.Engine.SignalAsync(run.RunId, TrainingPipeline.ApprovalEvent, new ApprovalDecision(true, "Ann").ToPayload(), CancellationToken.None);
        }
        await host.Client.WaitForInstanceCompletionAsync(run.RunId);

        var history = await Histories.OfAsync(backend, run.RunId);

        Histories.Replay(Histories.Read(history)).OrchestrationStatus.Should().Be(OrchestrationStatus.Completed);
        if (Environment.GetEnvironmentVariable("MLOPS_RECORD_HISTORIES") == "1")
        {
            await File.WriteAllTextAsync(Path.Combine(Histories.Folder(), name + ".json"), history + "\n");
        }
    }

    [Fact]
    public async Task Nothing_in_the_history_or_the_status_of_the_largest_run_is_larger_than_16_KB()
    {
        var definition = Trips.Definition() with
        {
            Candidates =
            [
                .. Enumerable.Range(0, PipelineDefinition.MostCandidates)
                    .Select(i => new CandidateSpec { Trainer = TrainerNames.FastTree, Trees = 1 + (i % 3), Leaves = 2 + i })
            ],
            Gates = new GateRules { AtMost = 0.0001, Drift = DriftGate.Block, DriftShare = 0 },
        };
        var backend = await Backends.AzureStorageAsync(azurite);
        await using var host = await DurableHost.StartAsync(azurite, backend);
        var run = await host.SubmitAsync(definition, Trips.Csv(300));
        await host.EndOfAsync(run);
        var status = await host.Client.WaitForInstanceCompletionAsync(run.RunId, getInputsAndOutputs: true);

        var history = Histories.Read(await Histories.OfAsync(backend, run.RunId));

        status.RuntimeStatus.Should().Be(OrchestrationRuntimeStatus.Completed);
        history.OfType<TaskCompletedEvent>().Should().HaveCountGreaterThan(PipelineDefinition.MostCandidates);
        history.Select(happened => (happened.EventType, Size: Text(happened)?.Length ?? 0)).Should().OnlyContain(happened => happened.Size < Limit);
        (status.SerializedCustomStatus!.Length * sizeof(char)).Should().BeLessThan(Limit, "Azure Storage takes no larger one");
    }

    [Fact]
    public async Task A_table_of_many_parts_is_worked_on_part_by_part_and_its_status_counts_them()
    {
        await using var host = await DurableHost.StartAsync(azurite, Backends.InMemory(), SmallParts);
        var run = await host.SubmitAsync(Trips.Definition(), NotIngestedBefore());
        var ended = await host.EndOfAsync(run);
        var status = await host.Client.WaitForInstanceCompletionAsync(run.RunId, getInputsAndOutputs: true);

        ended.Run.State.Should().Be(RunState.Succeeded, ended.Run.Error);
        var parts = ended.Stages.Count(stage => stage.Stage == CleanPartStage.Name);
        parts.Should().BeGreaterThan(2);
        var stages = status.ReadCustomStatusAs<Dictionary<string, string>>()!;
        stages[CleanPartStage.Name].Should().Be($"{parts} of {parts} parts");
        stages[DriftPartStage.Name].Should().Be($"{parts} of {parts} parts");
    }

    [Fact]
    public async Task The_instances_status_shows_the_states_of_the_stages()
    {
        await using var host = await DurableHost.StartAsync(azurite, Backends.InMemory());
        var run = await host.SubmitAsync(
            Trips.Definition() with { Gates = new GateRules { Approval = new ApprovalRule(true, TimeSpan.FromHours(1)) } }, Trips.Csv(300));
        await host.UntilAsync(run, now => now.Run.State == RunState.Waiting);

        var status = await host.Client.GetInstanceAsync(run.RunId, getInputsAndOutputs: true);

        var stages = status!.ReadCustomStatusAs<Dictionary<string, string>>()!;
        stages["ingest"].Should().Be("succeeded");
        stages["train 0-lightgbm"].Should().Be("succeeded");
        stages.Should().ContainKey("await-approval").And.NotContainKey("promote");
        await host.Engine.CancelAsync(run.RunId, "seen", CancellationToken.None);
        (await host.Client.WaitForInstanceCompletionAsync(run.RunId)).RuntimeStatus.Should().Be(OrchestrationRuntimeStatus.Terminated);
    }

    /// <summary>Makes several parts of a small table.</summary>
    private static void SmallParts(IServiceCollection services) => services.ChangeOptions(options => options with { RowsPerPart = 150 });

    /// <summary>A table that no other test has made into a single part.</summary>
    private static string NotIngestedBefore() => Trips.Csv(600, seed: Random.Shared.Next());

    private static string? Text(HistoryEvent happened) => happened switch
    {
        ExecutionStartedEvent started => started.Input,
        TaskScheduledEvent scheduled => scheduled.Input,
        TaskCompletedEvent completed => completed.Result,
        TaskFailedEvent failed => failed.Details + failed.Reason + failed.FailureDetails,
        EventRaisedEvent raised => raised.Input,
        ExecutionCompletedEvent ended => ended.Result,
        _ => null,
    };
}

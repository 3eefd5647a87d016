using System.Diagnostics;
using FluentAssertions;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages.Canary;
using MlOps.Pipeline.Tracking;
using Xunit;

namespace MlOps.Testing.Scenarios;

/// <summary>
/// What a run does, whichever engine runs it. Each engine's tests inherit these. What a run comes to is compared with the same definition
/// and data run from top to bottom without any engine.
/// </summary>
public abstract class EngineScenarios(AzuriteFixture azurite)
{
    protected AzuriteFixture Azurite => azurite;

    protected abstract Task<EngineUnderTest> StartAsync(Action<IServiceCollection>? configure = null);

    [Fact]
    public async Task A_first_run_promotes_its_model()
    {
        await using var engine = await StartAsync();
        var definition = Definition() with { Candidates = [Candidate(TrainerNames.LightGbm), Candidate(TrainerNames.FastTree)] };

        var run = await engine.EndOfAsync(await engine.SubmitAsync(definition, Trips.Csv(600)));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        RunSummary.Of(run).Should().Be(await ExpectedAsync(engine, definition, Trips.Csv(600)));
        (await engine.Host.Get<ModelRegistry>().FindAsync(definition.Model, CancellationToken.None))!.Production.Should().Be(1);
    }

    [Fact]
    public async Task A_model_that_misses_its_gate_is_registered_and_not_promoted()
    {
        await using var engine = await StartAsync();
        var definition = Definition() with { Gates = new GateRules { AtMost = 0.0001 } };

        var run = await engine.EndOfAsync(await engine.SubmitAsync(definition, Trips.Csv(600)));

        run.Run.State.Should().Be(RunState.Blocked);
        RunSummary.Of(run).Should().Be(await ExpectedAsync(engine, definition, Trips.Csv(600)));
        (await engine.Host.Get<ModelRegistry>().FindAsync(definition.Model, CancellationToken.None))!.Production.Should().BeNull();
    }

    [Fact]
    public async Task What_is_expected_of_a_table_is_looked_at_before_anything_is_made_of_it()
    {
        await using var engine = await StartAsync();
        var definition = Definition() with
        {
            Expect = new ExpectRules { Ranges = new Dictionary<string, RangeRule> { ["miles"] = new(Max: 1, Gate: Consequence.Block) } },
            Slices = ["vendor"],
        };

        var run = await engine.EndOfAsync(await engine.SubmitAsync(definition, Trips.Csv(600)));

        run.Run.State.Should().Be(RunState.Blocked, run.Run.Error);
        run.Run.BlockedBy.Should().ContainSingle().Which.Should().StartWith("expect: miles is ");
        RunSummary.Of(run).Should().Be(await ExpectedAsync(engine, definition, Trips.Csv(600)));
    }

    [Fact]
    public async Task What_a_host_adds_is_part_of_a_run_on_every_engine()
    {
        var channel = new Additions.Channel();
        Action<IServiceCollection> add = services => services.AddMlOps(added => Additions.AddTo(added).AddAlert(channel));
        await using var engine = await StartAsync(add);
        var definition = Additions.Definition();

        var run = await engine.EndOfAsync(await engine.SubmitAsync(definition, Trips.Csv(600)));

        run.Run.BlockedBy.Should().Equal("veto: 0-mean-like predicts, and that is enough");
        run.Params.Should().Contain("check.veto", "veto: 0-mean-like predicts, and that is enough");
        RunSummary.Of(run).Should().Be(await ExpectedAsync(engine, definition, Trips.Csv(600), configure: add));
        channel.Told.Where(path => path.EndsWith(run.Run.RunId, StringComparison.Ordinal)).Should().HaveCount(2, "each alert leaves once");
    }

    [Fact]
    public async Task A_check_that_throws_fails_the_run_as_any_defect_does()
    {
        await using var engine = await StartAsync(services => services.AddMlOps(added => added.AddCheck(new Additions.Broken())));

        var run = await engine.EndOfAsync(
            await engine.SubmitAsync(Definition() with { Gates = new GateRules { Checks = [new CheckRule("broken")] } }, Trips.Csv(300)));

        run.Run.State.Should().Be(RunState.Failed);
        run.Run.Error.Should().StartWith("An unexpected fault", "what a fault says of itself is for the log");
        run.Stages.Single(stage => stage.Stage == "validate").State.Should().Be(StageState.Failed);
    }

    [Fact]
    public async Task A_fault_that_passes_is_met_by_trying_the_stage_again()
    {
        // A split that no other test has made: the model must be trained, not found.
        var fault = new FaultOnce("PUT", "/artifacts/models/");
        await using var engine = await StartAsync(services => services.AddSingleton(fault.Storage(azurite)));

        var run = await engine.EndOfAsync(
            await engine.SubmitAsync(Definition() with { Split = new SplitRules { Seed = Random.Shared.Next() } }, Trips.Csv(600)));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        fault.HasFailed.Should().BeTrue();
        run.Stages.Single(stage => stage.Stage == "train").Attempts.Should().Be(2);
        run.Stages.Where(stage => stage.Stage != "train").Should().OnlyContain(stage => stage.Attempts == 1);
    }

    [Fact]
    public async Task Wrong_input_ends_the_run_at_once_and_says_what_to_do()
    {
        await using var engine = await StartAsync();
        var definition = Definition() with { Target = "fair" };

        var run = await engine.EndOfAsync(await engine.SubmitAsync(definition, Trips.Csv(50)));

        run.Run.State.Should().Be(RunState.Failed);
        run.Run.Error.Should().Contain("fair");
        run.Stages.Should().OnlyContain(stage => stage.Attempts == 1);
        RunSummary.Of(run).Should().Be(await ExpectedAsync(engine, definition, Trips.Csv(50)));
    }

    [Fact]
    public async Task A_run_is_one_trace_from_what_starts_it_to_its_alert()
    {
        using var spans = new RunSpans();
        await using var engine = await StartAsync();
        using var trigger = new Activity("POST /pipelines/{model}/runs").Start();

        var run = await engine.EndOfAsync(await engine.SubmitAsync(Definition() with { Target = "fair" }, Trips.Csv(50)));
        var told = await spans.OfAsync(run.Run.RunId, run.Stages.Count + 1);

        var start = told.Single(span => span.OperationName == "start run");
        (start.TraceId, start.ParentSpanId, start.Id).Should().Be((trigger.TraceId, trigger.SpanId, run.Run.TraceParent));
        var stages = told.Where(span => span != start).ToList();
        stages.Select(span => span.OperationName).Should().BeEquivalentTo(run.Stages.Select(stage => "stage " + stage.Stage)).And.Contain("stage alert");
        stages.Should().OnlyContain(span => span.TraceId == trigger.TraceId && span.ParentSpanId == start.SpanId);
        stages.Where(span => span.Status == ActivityStatusCode.Error).Select(span => span.OperationName).Should()
            .Equal(run.Stages.Where(stage => stage.State == StageState.Failed).Select(stage => "stage " + stage.Stage)).And.NotBeEmpty();
    }

    [Fact]
    public async Task A_dropped_file_that_cannot_be_read_is_quarantined()
    {
        await using var engine = await StartAsync();

        var run = await engine.EndOfAsync(await engine.SubmitAsync(Definition(), "\0\u0001 no table", trigger: "file"));

        run.Run.State.Should().Be(RunState.Failed);
        var file = run.Run.Source["raw/".Length..];
        var place = file.Insert(file.IndexOf('/', StringComparison.Ordinal), "/" + run.Run.RunId);
        (await engine.Host.Storage.Raw.GetBlobClient(file).ExistsAsync()).Value.Should().BeFalse();
        (await engine.Host.Storage.Quarantine.GetBlobClient(place + ".error.txt").DownloadContentAsync()).Value.Content.ToString().TrimEnd().Should()
            .Be(run.Run.Error);
    }

    [Fact]
    public async Task A_run_that_only_ingests_succeeds_with_the_raw_dataset_and_nothing_else()
    {
        await using var engine = await StartAsync();
        var csv = Trips.Csv(50, seed: Random.Shared.Next());

        var run = await engine.EndOfAsync(await engine.SubmitAsync(Definition(), csv, "file", RunGoal.Dataset));

        (run.Run.State, run.Run.Promoted, run.Run.Version).Should().Be((RunState.Succeeded, false, null), run.Run.Error);
        run.Stages.Select(stage => $"{stage.Stage} {stage.State} {stage.Rows}").Should().BeEquivalentTo("ingest Succeeded 50", "finish Succeeded ");
        run.Run.BlockedBy.Should().BeEmpty();
        run.Alerts.Should().BeEmpty();
        run.Artifacts.Should().BeEmpty();
        (await engine.Host.Get<DatasetStore>().GetAsync(run.Run.Dataset!, CancellationToken.None)).Should().BeEquivalentTo(new { Stage = "ingest", Rows = 50 });
    }

    [Fact]
    public async Task A_dropped_file_whose_training_is_skipped_is_ingested_all_the_same()
    {
        await using var engine = await StartAsync();
        var definition = Definition() with
        {
            Gates = new GateRules { Approval = new ApprovalRule(true, TimeSpan.FromHours(1)) },
            RunOn = new TriggerRules(NewFile: true, Overlap: Overlap.Skip),
        };
        var first = await engine.SubmitAsync(definition, Trips.Csv(300), "file");
        await engine.UntilAsync(first, now => now.Run.State == RunState.Waiting);

        var second = await engine.EndOfAsync(await engine.SubmitAsync(definition, Trips.Csv(40), "file"));
        var third = await engine.EndOfAsync(await engine.SubmitAsync(definition, Trips.Csv(40), "schedule"));
        await engine.Engine.CancelAsync(first.RunId, "the test is over", CancellationToken.None);

        (second.Run.State, second.Run.Goal).Should().Be((RunState.Succeeded, RunGoal.Dataset), second.Run.Error);
        second.Run.Dataset.Should().NotBeNull();
        second.Run.BlockedBy.Should().Equal(RunOrder.WhySkipped);
        (third.Run.State, third.Run.Error, third.Run.Dataset).Should().Be((RunState.Cancelled, RunOrder.WhySkipped, null));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [InlineData(null)]
    public async Task A_person_decides(bool? approved)
    {
        var decision = approved is { } yes ? new ApprovalDecision(yes, "Ann", yes ? "checked against May" : "too little data from May").ToPayload() : null;
        await using var engine = await StartAsync();
        var definition = Definition() with
        {
            Gates = new GateRules
            {
                Approval = new ApprovalRule(
            true, decision is null ? TimeSpan.FromSeconds(2) : TimeSpan.FromHours(1))
            }
        };
        var run = await engine.SubmitAsync(definition, Trips.Csv(600));

        if (decision is not null)
        {
            await engine.UntilAsync(run, now => now.Run.State == RunState.Waiting);
            await engine.Engine.SignalAsync(run.RunId, TrainingPipeline.ApprovalEvent, decision, CancellationToken.None);
        }
        var ended = await engine.EndOfAsync(run);

        ended.Run.State.Should().Be(approved == true ? RunState.Succeeded : RunState.Blocked, ended.Run.Error);
        RunSummary.Of(ended).Should().Be(await ExpectedAsync(engine, definition, Trips.Csv(600), decision));
    }

    [Fact]
    public async Task A_canary_promotes_by_itself_is_taken_out_by_itself_and_obeys_a_person()
    {
        var evidence = new FakeEvidence();
        await using var engine = await StartAsync(services => services.AddSingleton<ITrafficEvidence>(evidence));
        var (registry, decisions) = (engine.Host.Get<ModelRegistry>(), engine.Host.Get<RunDecisions>());
        var definition = Definition();
        await engine.EndOfAsync(await engine.SubmitAsync(definition, Trips.Csv(300)));
        await engine.EndOfAsync(await engine.SubmitAsync(definition with { Gates = new GateRules { AtMost = 0.0001 } }, Trips.Csv(300)));

        var through = await engine.EndOfAsync(await CanaryAsync(version: 2, TimeSpan.FromSeconds(1), 10, 50));
        evidence.Next = FakeEvidence.Worse;
        var out_ = await engine.EndOfAsync(await CanaryAsync(version: 1, TimeSpan.FromSeconds(1), 10, 50));
        evidence.Next = FakeEvidence.Nothing;
        var stopped = await CanaryAsync(version: 1, TimeSpan.FromHours(1), 10, 50);
        await engine.UntilAsync(stopped, now => now.Run.State == RunState.Waiting);
        await decisions.CancelAsync(stopped, "not today", CancellationToken.None);
        var cancelled = await engine.EndOfAsync(stopped);
        var waiting = await CanaryAsync(version: 1, TimeSpan.FromHours(1), 10, 50);
        await engine.UntilAsync(waiting, now => now.Run.State == RunState.Waiting);
        await decisions.DecideAsync(waiting, approved: true, "Ann", "seen enough", CancellationToken.None);
        var approved = await engine.EndOfAsync(waiting);

        (through.Run.State, through.Run.Promoted).Should().Be((RunState.Succeeded, true), through.Run.Error);
        through.Stages.OrderBy(stage => stage.Started).Select(stage => $"{stage.Stage} {stage.Key}").Should().Equal(
            "canary-shift 10", "canary-judge 10", "canary-shift 50", "canary-judge 50", "canary-end ", "alert PromotionSucceeded", "finish ");
        through.Metrics.Should().Contain("canary_10_predictions", 500);
        evidence.Shares.Take(2).Should().Equal("90 % version 1, 10 % version 2", "50 % version 1, 50 % version 2");
        (out_.Run.State, out_.Run.Promoted).Should().Be((RunState.Blocked, false), out_.Run.Error);
        out_.Run.BlockedBy.Should().ContainSingle().Which.Should().StartWith("canary: worse: squared_error of version 1 less that of version 2 is 0.5");
        (cancelled.Run.State, cancelled.Run.Error).Should().Be((RunState.Cancelled, "not today"));
        (approved.Run.State, approved.Run.CanaryDecision!.By).Should().Be((RunState.Succeeded, "Ann"), approved.Run.Error);
        (await registry.FindAsync(definition.Model, CancellationToken.None))!.Should().BeEquivalentTo(new { Production = 1, Traffic = default(TrafficSplit) });
        (await registry.ListHistoryAsync(definition.Model, CancellationToken.None)).Where(change => change.Alias == ModelAlias.Production)
            .Select(change => (change.From, change.To)).Should().Equal((2, 1), (1, 2), (null, 1));

        Task<Run> CanaryAsync(int version, TimeSpan hold, params int[] steps) =>
            engine.Host.Get<CanaryStarter>().StartAsync(definition.Model, version, new CanaryWish(steps, hold), "test", CancellationToken.None);
    }

    [Fact]
    public Task A_model_whose_predictions_drift_is_trained_again_and_people_know_when_that_begins_and_ends() => MonitoredModel.GoesRoundAsync(StartAsync);

    [Fact]
    public async Task A_table_is_scored_beside_a_run_that_waits_for_a_person()
    {
        await using var engine = await StartAsync(services => services.ChangeOptions(options => options with { RowsPerPart = 100 }));
        var definition = Definition();
        (await engine.EndOfAsync(await engine.SubmitAsync(definition, Trips.Csv(300)))).Run.Promoted.Should().BeTrue();
        var waiting = await engine.SubmitAsync(
            definition with { Gates = new GateRules { Approval = new ApprovalRule(true, TimeSpan.FromHours(1)) }, Split = new SplitRules { Seed = 9 } },
            Trips.Csv(300));
        await engine.UntilAsync(waiting, now => now.Run.State == RunState.Waiting);
        var blob = $"{definition.Model}-to-score/{Guid.NewGuid():N}.csv";
        await engine.Host.Storage.Raw.GetBlobClient(blob).UploadAsync(BinaryData.FromString(Trips.Csv(250, seed: 3)));

        var scored = await engine.EndOfAsync(await engine.Host.Get<ScoreStarter>().StartAsync(
            definition.Model, new ScoreWish("raw/" + blob), "test", CancellationToken.None));
        var refused = await engine.EndOfAsync(await engine.Host.Get<ScoreStarter>().StartAsync(
            definition.Model, new ScoreWish("raw/not-there.csv"), "test", CancellationToken.None));
        var stillWaiting = (await engine.Runs.FindAsync(waiting.RunId, CancellationToken.None))!.State;
        await engine.Engine.CancelAsync(waiting.RunId, "the test is over", CancellationToken.None);

        (scored.Run.State, scored.Run.Version, scored.Run.Promoted).Should().Be((RunState.Succeeded, 1, false), scored.Run.Error);
        scored.Stages.GroupBy(stage => stage.Stage).Select(calls => $"{calls.Key} {calls.Count()} {calls.Sum(call => call.Rows)}").Should()
            .BeEquivalentTo("ingest 1 250", "score-part 3 250", "score 1 250", "finish 1 0");
        (await engine.Host.Get<DatasetStore>().GetAsync(scored.Run.Dataset!, CancellationToken.None)).Should()
            .BeEquivalentTo(new { Stage = "score", Rows = 250 });
        (refused.Run.State, refused.Stages.Count(stage => stage.Stage == "quarantine")).Should().Be((RunState.Failed, 0), "nobody dropped the file");
        stillWaiting.Should().Be(RunState.Waiting);
    }

    [Fact]
    public async Task Starting_a_run_again_that_has_ended_does_nothing()
    {
        await using var engine = await StartAsync();
        var definition = Definition();
        var run = await engine.SubmitAsync(definition, Trips.Csv(600));
        var ended = await engine.EndOfAsync(run);

        await engine.Engine.StartAsync(RunStarter.Plan(run, definition), CancellationToken.None);
        var next = await engine.EndOfAsync(await engine.SubmitAsync(definition with { Split = new SplitRules { Seed = 8 } }, Trips.Csv(600)));

        next.Run.Version.Should().Be(2);
        (await engine.Runs.FindDetailsAsync(run.RunId, CancellationToken.None)).Should().BeEquivalentTo(ended);
    }

    [Fact]
    public async Task Runs_of_one_model_go_one_after_another()
    {
        await using var engine = await StartAsync();
        var definition = Definition();

        Run[] runs =
        [
            await engine.SubmitAsync(definition, Trips.Csv(300)), await engine.SubmitAsync(definition, Trips.Csv(400)),
            await engine.SubmitAsync(definition, Trips.Csv(500))
        ];
        RunDetails[] ended = [await engine.EndOfAsync(runs[0]), await engine.EndOfAsync(runs[1]), await engine.EndOfAsync(runs[2])];

        ended.Should().OnlyContain(run => run.Run.State == RunState.Succeeded || run.Run.State == RunState.Blocked);
        ended.Select(run => run.Run.Version).Should().Equal(1, 2, 3);
        ended[1].Run.Started.Should().BeOnOrAfter(ended[0].Run.Ended!.Value);
        ended[2].Run.Started.Should().BeOnOrAfter(ended[1].Run.Ended!.Value);
    }

    [Fact]
    public async Task A_cancelled_run_stays_cancelled_and_the_next_one_goes()
    {
        await using var engine = await StartAsync();
        var definition = Definition() with { Gates = new GateRules { Approval = new ApprovalRule(true, TimeSpan.FromHours(1)) } };
        var run = await engine.SubmitAsync(definition, Trips.Csv(300));
        var next = await engine.SubmitAsync(Definition() with { Model = definition.Model }, Trips.Csv(400));
        await engine.UntilAsync(run, now => now.Run.State == RunState.Waiting);

        await engine.Engine.CancelAsync(run.RunId, "wrong file", CancellationToken.None);
        var after = await engine.EndOfAsync(next);

        after.Run.State.Should().Be(RunState.Succeeded, after.Run.Error);
        var cancelled = await engine.EndOfAsync(run);
        (cancelled.Run.State, cancelled.Run.Error, cancelled.Run.Version).Should().Be((RunState.Cancelled, "wrong file", null));
    }

    protected static PipelineDefinition Definition() => Trips.Definition() with { Candidates = [Candidate(TrainerNames.LightGbm)] };

    protected static CandidateSpec Candidate(string trainer) => new() { Trainer = trainer, Trees = 10 };

    /// <summary>What a run of the same definition and data comes to when nothing is in its way.</summary>
    /// <summary>The engine is stopped first: it would take up the twin as well, which is an unfinished run in its storage.</summary>
    private async Task<RunSummary> ExpectedAsync(
        EngineUnderTest engine, PipelineDefinition definition, string csv, string? decision = null, Action<IServiceCollection>? configure = null)
    {
        await engine.StopAsync();
        await using var host = new PipelineHost(azurite, configure);
        ((InlineEngine)host.Get<IPipelineEngine>()).Approval = decision;
        var twin = definition with { Model = AzuriteFixture.UniqueModel() };
        var blob = $"{twin.Model}/twin.csv";
        await host.Storage.Raw.GetBlobClient(blob).UploadAsync(BinaryData.FromString(csv));
        await host.Get<DefinitionStore>().PutAsync(twin, CancellationToken.None);
        var run = await host.Get<RunStarter>().StartAsync(twin.Model, "raw/" + blob, "http", CancellationToken.None);
        return RunSummary.Of((await host.Get<RunStore>().FindDetailsAsync(run.RunId, CancellationToken.None))!);
    }
}

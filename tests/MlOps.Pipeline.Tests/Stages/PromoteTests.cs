using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages.Promote;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class PromoteTests(AzuriteFixture azurite)
{
    private static readonly CandidateSpec Good = new() { Trainer = TrainerNames.LightGbm, Trees = 60, EarlyStopping = 0 };
    private static readonly CandidateSpec Poor = new() { Trainer = TrainerNames.LightGbm, Trees = 2, EarlyStopping = 0 };

    [Fact]
    public async Task Promote_keeps_production_when_candidate_is_worse()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition();
        var path = host.WriteFile("trips.csv", Trips.Csv(1500, seed: 41));
        await host.RunAsync(definition with { Candidates = [Good] }, path);

        var run = await host.RunAsync(definition with { Candidates = [Poor] }, path);

        run.Run.State.Should().Be(RunState.Blocked);
        run.Run.Version.Should().Be(2);
        run.Run.BlockedBy.Should().ContainSingle().Which.Should().StartWith("production: rmse").And.Contain("not better than");
        var model = (await host.Get<ModelRegistry>().FindAsync(definition.Model, default))!;
        model.Aliases.Should().BeEquivalentTo(new Dictionary<string, int> { ["production"] = 1, ["candidate"] = 2 });
    }

    [Fact]
    public async Task A_better_candidate_replaces_production_and_a_rollback_brings_the_old_one_back()
    {
        await using var host = new PipelineHost(azurite);
        var registry = host.Get<ModelRegistry>();
        var definition = Trips.Definition();
        var path = host.WriteFile("trips.csv", Trips.Csv(1500, seed: 42));
        await host.RunAsync(definition with { Candidates = [Poor] }, path);

        var run = await host.RunAsync(definition with { Candidates = [Good] }, path);

        run.Run.Promoted.Should().BeTrue();
        run.Metrics["production_rmse"].Should().BeGreaterThan(run.Metrics["val_rmse"]);
        (await registry.FindAsync(definition.Model, default))!.Production.Should().Be(2);
        (await registry.RollbackAsync(definition.Model, from: null, default)).Production.Should().Be(1);
        (await registry.ListHistoryAsync(definition.Model, default)).Where(change => change.Alias == ModelAlias.Production)
            .Select(change => (change.From, change.To)).Should().Equal((2, 1), (1, 2), (null, 1));
    }

    [Fact]
    public async Task A_candidate_that_is_not_better_by_the_margin_is_blocked()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition();
        var path = host.WriteFile("trips.csv", Trips.Csv(1500, seed: 43));
        await host.RunAsync(definition with { Candidates = [Poor] }, path);

        var run = await host.RunAsync(definition with { Candidates = [Good], Gates = new GateRules { BetterBy = 1000 } }, path);

        run.Run.State.Should().Be(RunState.Blocked);
        run.Run.BlockedBy.Single().Should().Contain("by the required 1000");
    }

    [Fact]
    public async Task The_same_model_again_is_not_better_than_itself()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition();
        var path = host.WriteFile("trips.csv", Trips.Csv(800, seed: 44));
        await host.RunAsync(definition, path);

        (await host.RunAsync(definition, path)).Run.State.Should().Be(RunState.Blocked);
    }

    [Theory]
    [InlineData("rmse", 0.0001, null, "rmse: * above the allowed 0.0001")]
    [InlineData("r2", null, 0.99999, "r2: * below the required 0.99999")]
    public async Task A_metric_gate_that_does_not_hold_blocks_the_first_version(string metric, double? atMost, double? atLeast, string reason)
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with { Gates = new GateRules { Metric = metric, AtMost = atMost, AtLeast = atLeast } };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(800, seed: 45)));

        run.Run.State.Should().Be(RunState.Blocked);
        run.Run.BlockedBy.Should().ContainSingle().Which.Should().Match(reason);
        (await host.Get<ModelRegistry>().FindAsync(definition.Model, default))!.Production.Should().BeNull();
    }

    [Theory]
    [InlineData("""{"approved": true, "by": "Ann"}""", RunState.Succeeded, null)]
    [InlineData("""{"approved": false, "by": "Ann", "reason": "not on a Friday"}""", RunState.Blocked, "approval: rejected by Ann: not on a Friday")]
    [InlineData("approved", RunState.Blocked, "approval: rejected: the event's payload is no decision: approved")]
    [InlineData(null, RunState.Blocked, "approval: rejected: nobody approved within*")]
    public async Task A_declared_approval_decides(string? answer, RunState state, string? reason)
    {
        await using var host = new PipelineHost(azurite);
        ((InlineEngine)host.Get<IPipelineEngine>()).Approval = answer;
        var definition = Trips.Definition() with { Gates = new GateRules { Approval = new ApprovalRule(Required: true) } };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(500, seed: 46)));

        run.Run.State.Should().Be(state);
        run.Run.Approval!.Approved.Should().Be(state == RunState.Succeeded);
        if (reason is not null)
        {
            run.Run.BlockedBy.Should().ContainSingle().Which.Should().Match(reason);
        }
    }

    [Fact]
    public async Task Production_that_cannot_be_scored_on_the_new_data_blocks_with_the_missing_columns_named()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition();
        var csv = Trips.Csv(800, seed: 47);
        await host.RunAsync(definition, host.WriteFile("full.csv", csv));
        var withoutPayment = string.Join(
            '\n', csv.Split('\n').Where(line => line.Length > 0).Select(line => string.Join(',', line.Split(',').Where((_, i) => i != 4)))) + "\n";

        var run = await host.RunAsync(definition, host.WriteFile("narrow.csv", withoutPayment));

        run.Run.State.Should().Be(RunState.Blocked);
        run.Run.BlockedBy.Single().Should().Contain("version 1 cannot be scored").And.Contain("'payment', which version 1 reads, is not in the data");
    }

    [Fact]
    public async Task Sixteen_runs_promoting_at_once_get_versions_without_gaps_or_duplicates()
    {
        await using var host = new PipelineHost(azurite);
        var registry = host.Get<ModelRegistry>();
        var definition = Trips.Definition() with { Candidates = [Poor] };
        var path = host.WriteFile("trips.csv", Trips.Csv(800, seed: 48));
        var trained = await host.RunAsync(definition with { Model = AzuriteFixture.UniqueModel() }, path);
        trained.Run.Promoted.Should().BeTrue();

        var runs = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => host.RunAsync(definition, path))));

        runs.Select(run => run.Run.Version).Should().BeEquivalentTo(Enumerable.Range(1, 16).Select(version => (int?)version));
        (await registry.ListVersionsAsync(definition.Model, default)).Select(version => version.Version).Should().Equal(Enumerable.Range(1, 16).Reverse());
        runs.Count(run => run.Run.Promoted).Should().Be(1, "the same model is never better than itself");
        (await registry.ListHistoryAsync(definition.Model, default)).Count(change => change.Alias == ModelAlias.Production).Should().Be(1);
    }

    [Fact]
    public async Task A_stage_that_is_overtaken_by_its_own_second_start_does_not_compare_the_version_with_itself()
    {
        await using var host = new PipelineHost(azurite);
        var (run, input) = await PromoteInputAsync(host);
        var reads = 0;
        // Between the two reads that the decision rests on, whichever comes first.
        var hold = new HoldOnce((method, path) => method == "GET" && (path.Contains("RowKey='head'", StringComparison.Ordinal) || path.Contains(
            "RowKey='promotion", StringComparison.Ordinal)) && ++reads == 2);
        await using var slow = new PipelineHost(azurite, services => services.AddSingleton(hold.Storage(azurite)));
        var overtaken = Task.Run(() => slow.Get<PromoteStage>().RunAsync(slow.Context(run), input, CancellationToken.None));
        await hold.Held;

        var faster = await host.Get<PromoteStage>().RunAsync(host.Context(run), input, CancellationToken.None);
        hold.LetGo();
        var slower = await overtaken;

        faster.Promoted.Should().BeTrue();
        slower.Should().BeEquivalentTo(faster);
        (await host.Get<ModelRegistry>().ListHistoryAsync(run.Model, CancellationToken.None)).Should()
            .ContainSingle(change => change.Alias == ModelAlias.Production);
    }

    /// <summary>A run that has come to its last decision, its version registered, with nothing in production yet.</summary>
    private static async Task<(Run Run, PromoteInput Input)> PromoteInputAsync(PipelineHost host)
    {
        var definition = Trips.Definition() with { Candidates = [Poor] };
        var blocked = await host.RunAsync(
            definition with { Gates = new GateRules { Metric = "rmse", AtMost = 0.0001 } }, host.WriteFile("trips.csv", Trips.Csv(800, seed: 49)));
        var registry = host.Get<ModelRegistry>();
        var trained = await registry.GetAsync(definition.Model, blocked.Run.Version!.Value, CancellationToken.None);
        var now = DateTimeOffset.UtcNow;
        var run = blocked.Run with
        {
            RunId = RunId.New(definition.Model, now),
            State = RunState.Running,
            Created = now,
            DefinitionId = await host.Get<DefinitionStore>().PutAsync(definition, CancellationToken.None),
        };
        await host.Get<RunStore>().CreateAsync(run, CancellationToken.None);
        await registry.RegisterAsync(trained with { RunId = run.RunId }, CancellationToken.None);
        var validation = await host.Get<DatasetStore>().GetAsync(trained.Lineage.Validation, CancellationToken.None);
        var winner = new TrainedCandidate(trained.Candidate, trained.ModelBlobs, trained.Metrics);
        return (run, new PromoteInput(winner, trained.Metrics, BlockedBy: [], validation.Ref, trained.Lineage));
    }
}

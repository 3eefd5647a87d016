using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages.Canary;
using MlOps.Pipeline.Stages.ModelCard;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

/// <summary>A new version answers more and more of the requests before it is in production.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class CanaryTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private static readonly CandidateSpec Good = new() { Trainer = TrainerNames.LightGbm, Trees = 30, EarlyStopping = 0 };
    private static readonly CandidateSpec Poor = new() { Trainer = TrainerNames.LightGbm, Trees = 2, EarlyStopping = 0 };

    private readonly FakeEvidence evidence = new();
    private readonly PipelineDefinition definition = Trips.Definition();
    private PipelineHost host = null!;
    private string path = null!;

    private ModelRegistry Registry => host.Get<ModelRegistry>();

    public async Task InitializeAsync()
    {
        host = new PipelineHost(azurite, services => services.AddSingleton<ITrafficEvidence>(evidence));
        path = host.WriteFile("trips.csv", Trips.Csv(600, seed: 77));
        (await host.RunAsync(definition with { Candidates = [Poor] }, path)).Run.Promoted.Should().BeTrue("nothing was in production: there is no canary");
    }

    public async Task DisposeAsync() => await host.DisposeAsync();

    [Fact]
    public async Task A_run_whose_version_is_not_shown_to_be_worse_ends_with_it_in_production()
    {
        var run = await RunAsync(new TrafficRules { Steps = [5, 25] });

        (run.Run.State, run.Run.Version).Should().Be((RunState.Succeeded, 2), run.Run.Error);
        evidence.Shares.Should().Equal("95 % version 1, 5 % version 2", "75 % version 1, 25 % version 2");
        (await Registry.FindAsync(definition.Model, default)).Should().BeEquivalentTo(new { Production = 2, Traffic = default(TrafficSplit) });
        run.Alerts.Should().ContainSingle().Which.Kind.Should().Be(AlertKind.PromotionSucceeded);
        (await CardAsync(run)).Should().Contain("it answered its share and went into production");
    }

    [Fact]
    public async Task One_that_is_worse_is_taken_out_and_the_run_says_why()
    {
        evidence.Next = FakeEvidence.Worse;

        var run = await RunAsync(new TrafficRules { Steps = [5, 25] });

        run.Run.State.Should().Be(RunState.Blocked, run.Run.Error);
        run.Run.BlockedBy.Should().ContainSingle().Which.Should().Contain("0.5 (0.1 to 0.9, at least 400 rows each)");
        evidence.Shares.Should().ContainSingle();
        (await Registry.FindAsync(definition.Model, default)).Should().BeEquivalentTo(new { Production = 1, Traffic = default(TrafficSplit) });
        run.Alerts.Single().Title.Should().EndWith("version 2 was not promoted: its canary");
        run.Metrics.Should().Contain("canary_5_squared_error_difference", 0.5);
        var card = await CardAsync(run);
        card.Should().MatchRegex(@"Better than production \|.*\| passed").And.MatchRegex(@"Canary \|.*\| failed");
    }

    [Fact]
    public async Task One_that_cannot_answer_is_taken_out()
    {
        evidence.Next = FakeEvidence.Nothing with { Predictions = 90, Failed = 10 };

        var run = await RunAsync(new TrafficRules { Steps = [5] });

        run.Run.BlockedBy.Should().ContainSingle().Which.Should().StartWith("canary: version 2 could not answer 10 of 100 rows");
    }

    [Theory]
    [InlineData(CanaryNeed.NotWorse, 1000, "1,000 rows with feedback of each version are asked for")]
    [InlineData(CanaryNeed.Better, 0, "it must be better")]
    public async Task What_is_not_shown_is_waited_for_and_not_for_ever(CanaryNeed need, int minFeedback, string why)
    {
        evidence.Next = FakeEvidence.Same;
        var rules = new TrafficRules { Steps = [5, 25], Hold = TimeSpan.FromHours(1), Patience = TimeSpan.FromHours(2.5) };

        var run = await RunAsync(rules with { Need = need, MinFeedback = minFeedback });

        run.Run.BlockedBy.Should().ContainSingle().Which.Should().EndWith(why);
        run.Stages.Where(stage => stage.Stage == CanaryJudgeStage.Name).Select(stage => stage.Key).Should().BeEquivalentTo("5", "5-2", "5-3");
        (await Registry.FindAsync(definition.Model, default))!.Traffic.Should().BeNull();
    }

    [Fact]
    public async Task What_a_person_does_meanwhile_stands()
    {
        evidence.Before = () => Registry.SetAliasAsync(definition.Model, ModelAlias.Production, 2, "by hand", default);
        var moved = await RunAsync(new TrafficRules { Steps = [5, 25] });
        evidence.Before = () => host.Get<ModelTraffic>().EndAsync(definition.Model, split: null, default);
        await Registry.SetAliasAsync(definition.Model, ModelAlias.Production, 1, "by hand", default);

        var ended = await CanaryAsync(new CanaryWish([5, 25]));
        var by = new Dictionary<int, int> { [1] = 60, [2] = 40 };
        evidence.Before = () => host.Get<ModelTraffic>().SplitAsync(definition.Model, new TrafficWish(by, null, "by hand"), default);
        var split = await CanaryAsync(new CanaryWish([5, 25]));

        moved.Run.BlockedBy.Single().Should().StartWith("canary: version 2 has gone into production meanwhile");
        ended.Run.BlockedBy.Single().Should().Be("canary: its traffic was given back to production by hand");
        split.Run.BlockedBy.Single().Should().StartWith("canary: traffic is split by hand (60 % version 1, 40 % version 2)");
        (await Registry.FindAsync(definition.Model, default))!.Traffic!.Reason.Should().Be("by hand");
        var again = () => CanaryAsync(new CanaryWish([5, 25]));
        await again.Should().ThrowAsync<InputException>().WithMessage("*shared out already*");
    }

    [Fact]
    public async Task A_version_of_other_columns_has_no_canary()
    {
        var other = definition with { Features = new FeatureRules(), Columns = new Dictionary<string, ColumnRule> { ["vendor"] = new() { Ignore = true } } };

        var run = await RunAsync(new TrafficRules { Steps = [5] }, other);

        run.Run.State.Should().Be(RunState.Blocked, run.Run.Error);
        run.Run.BlockedBy.Should().ContainSingle().Which.Should().StartWith("canary: callers cannot be answered by either version.").And.Contain("'vendor'");
        evidence.Shares.Should().BeEmpty();
    }

    [Fact]
    public async Task What_fails_leaves_no_traffic_behind()
    {
        evidence.Before = () => throw new InputException("the log is gone.");

        var run = await RunAsync(new TrafficRules { Steps = [5] });

        (run.Run.State, run.Run.Error).Should().Be((RunState.Failed, "the log is gone."));
        (await Registry.FindAsync(definition.Model, default)).Should().BeEquivalentTo(new { Production = 1, Traffic = default(TrafficSplit) });
    }

    [Theory]
    [InlineData(new[] { 25, 5 }, 60, "percents from 1 to 99 that rise")]
    [InlineData(new[] { 5, 100 }, 60, "percents from 1 to 99 that rise")]
    public async Task A_plan_that_is_none_is_refused(int[] steps, int hold, string why)
    {
        await RunAsync(new TrafficRules(), definition with { Gates = new GateRules { AtMost = 0.0001 } });
        var start = () => CanaryAsync(new CanaryWish(steps, TimeSpan.FromSeconds(hold)), version: 2);

        await start.Should().ThrowAsync<InputException>().WithMessage($"*{why}*");
        var production = () => CanaryAsync(new CanaryWish([5]), version: 1);
        await production.Should().ThrowAsync<InputException>().WithMessage("*in production already*");
        var unknown = () => CanaryAsync(new CanaryWish([5]), version: 9);
        await unknown.Should().ThrowAsync<InputException>().WithMessage("*no version 9*");
    }

    private Task<RunDetails> RunAsync(TrafficRules rules, PipelineDefinition? other = null) =>
        host.RunAsync((other ?? definition) with { Candidates = [Good], Traffic = rules }, path);

    private async Task<RunDetails> CanaryAsync(CanaryWish wish, int version = 2)
    {
        var run = await host.Get<CanaryStarter>().StartAsync(definition.Model, version, wish, "test", default);
        return (await host.Get<RunStore>().FindDetailsAsync(run.RunId, default))!;
    }

    private async Task<string> CardAsync(RunDetails run)
    {
        var card = run.Artifacts.Single(artifact => artifact.Path == ModelCardStage.MarkdownFile);
        return (await host.Storage.Artifacts.GetBlobClient(card.Blob).DownloadContentAsync()).Value.Content.ToString();
    }
}

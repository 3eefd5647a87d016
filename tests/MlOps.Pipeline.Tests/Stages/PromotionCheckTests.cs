using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Validate;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class PromotionCheckTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task A_check_blocks_with_its_reasons_and_one_that_passes_stands_on_run_and_card_too()
    {
        var fair = new Check("fair", (_, _) => []);
        var strict = new Check("strict", (_, options) => [.. Enumerable.Range(1, 5).Select(i => $"{options.Text("what")} {i}")]) { Options = ["what"] };
        await using var host = HostOf(fair, strict);
        var definition = Definition(new CheckRule("fair"), new CheckRule("strict", new ExtensionOptions(new Dictionary<string, string> { ["what"] = "no" })));

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(900, seed: 81)));

        run.Run.State.Should().Be(RunState.Blocked);
        run.Run.BlockedBy.Should().Equal("strict: no 1", "strict: no 2", "strict: no 3");
        run.Params.Should().Contain("check.fair", "passed").And.Contain("check.strict", "strict: no 1");
        run.Alerts.Select(alert => alert.Kind).Should().Equal(AlertKind.ValidationFailed, AlertKind.PromotionBlocked);
        run.Alerts[1].Title.Should().EndWith("was not promoted: failed checks");
        var card = (await host.Get<ArtifactStore>().ReadAsync($"{run.Run.RunId}/model-card.md", default)).ToString();
        card.Should().Contain("| Check fair | as the host defines it | passed | passed |").And.Contain("| Check strict | what no | failed | strict: no 1 |");
    }

    [Fact]
    public async Task Only_the_checks_that_a_definition_names_are_run()
    {
        var other = new Check("other", (_, _) => ["never"]);
        await using var host = HostOf(new Check("mine", (_, _) => []), other);

        var run = await host.RunAsync(Definition(new CheckRule("mine")), host.WriteFile("trips.csv", Trips.Csv(900, seed: 82)));

        run.Run.State.Should().Be(RunState.Succeeded);
        other.Seen.Should().BeEmpty();
    }

    [Fact]
    public async Task A_check_sees_metrics_rows_predictions_and_the_version_in_production()
    {
        var check = new Check("look", (_, _) => []);
        await using var host = HostOf(check);
        var definition = Definition(new CheckRule("look"));
        var first = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(900, seed: 83)));
        await host.RunAsync(definition, host.WriteFile("more.csv", Trips.Csv(1000, seed: 84)));

        var (before, after) = (check.Seen[0], check.Seen[1]);

        (before.RunId, before.Key, before.Target.Name, before.Production).Should().Be((first.Run.RunId, "0-lightgbm", "fare", null));
        before.Metrics["rmse"].Should().Be(first.Metrics["val_rmse"]);
        before.Rows.Count.Should().Be((int)before.Validation.Rows);
        var error = Math.Sqrt(before.Rows.Actual.Zip(before.Rows.Predicted).Average(row => Math.Pow(row.First - row.Second, 2)));
        error.Should().BeApproximately(before.Metrics["rmse"], 1e-6);
        before.Rows.Categories("vendor").Distinct().Should().BeEquivalentTo("VTS", "CMT", "DDS");
        var (miles, seconds) = (before.Rows.Numbers("miles"), before.Rows.Numbers("seconds"));
        before.Rows.Numbers("seconds_x_miles").Should().Equal(miles.Zip(seconds, (a, b) => (float)((double)a * b)), (a, b) => Math.Abs(a - b) <= 1e-6 * b);
        before.Rows.Invoking(rows => rows.Categories("vendr")).Should().Throw<InputException>().WithMessage("*'vendr'; did you mean 'vendor'?");
        after.Production!.Version.Should().Be(1);
        after.Production.Metrics["rmse"].Should().Be(first.Metrics["val_rmse"]);
    }

    [Fact]
    public async Task Wrong_input_of_a_check_ends_the_run_with_its_sentence_and_what_it_throws_fails_the_stage()
    {
        await using var wrong = HostOf(new Check("mine", (candidate, _) => [.. candidate.Rows.Categories("colour").OfType<string>()]));
        await using var broken = HostOf(new Check("mine", (_, _) => throw new NotSupportedException("broken")));

        var run = await wrong.RunAsync(Definition(new CheckRule("mine")), wrong.WriteFile("trips.csv", Trips.Csv(500, seed: 85)));
        var fails = () => broken.RunAsync(Definition(new CheckRule("mine")), broken.WriteFile("trips.csv", Trips.Csv(500, seed: 86)));

        run.Run.State.Should().Be(RunState.Failed);
        run.Run.Error.Should().StartWith("The model has no categorical feature 'colour'");
        await fails.Should().ThrowAsync<NotSupportedException>();
    }

    private PipelineHost HostOf(params Check[] checks) =>
        new(azurite, services => services.AddMlOps(add => checks.ToList().ForEach(check => add.AddCheck(check))));

    private static PipelineDefinition Definition(params CheckRule[] checks) => Trips.Definition() with { Gates = new GateRules { Checks = checks } };

    private sealed class Check(string name, Func<PromotionCandidate, ExtensionOptions, IReadOnlyList<string>> judge) : IPromotionCheck
    {
        public List<PromotionCandidate> Seen { get; } = [];

        public string Name => name;

        public IReadOnlyCollection<string> Options { get; init; } = [];

        public Task<IReadOnlyList<string>> CheckAsync(PromotionCandidate candidate, ExtensionOptions options, CancellationToken cancel)
        {
            Seen.Add(candidate);
            return Task.FromResult(judge(candidate, options));
        }
    }
}

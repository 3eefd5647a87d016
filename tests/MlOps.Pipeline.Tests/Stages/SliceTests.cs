using System.Globalization;
using System.Text;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.ModelCard;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class SliceTests(AzuriteFixture azurite)
{
    [Fact]
    public void Disparities_are_those_of_Fairlearn()
    {
        // fairlearn.metrics on the same eight rows a group: selection rates 0.5 and 0.25; true positive rates 0.75 and 0.5; false positive rates 0.25 and 0.
        double[] labels = [1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0];
        double[] scores = [.9, .9, .9, .1, .9, .1, .1, .1, .9, .9, .1, .1, .1, .1, .1, .1];
        var slices = new Slices("sex", ["f", "m"], [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1], Small: 0);

        var report = SliceMetrics.Measure(new ScoredRows(TaskKind.Binary, labels, scores, 0.5), slices, "accuracy", "validation");

        report.Disparities.Should().Be(new Disparities(0.25, 0.5, 0.25));
        report.Groups.Select(group => (group.Name, group.Rows, group.Metrics["accuracy"])).Should().Equal(("f", 8, 0.75), ("m", 8, 0.75));
    }

    [Theory]
    [InlineData(5, "out-of-fold")]
    [InlineData(0, "validation")]
    public async Task Groups_are_measured_by_columns_that_the_model_does_not_see_and_small_ones_stand_together(int folds, string words)
    {
        await using var host = new PipelineHost(azurite);
        var definition = Definition() with { Train = new TrainRules { Folds = folds }, Slices = ["region", "age", "regoin"] };

        var run = await host.RunAsync(definition, host.WriteFile("people.csv", Csv(2000, seed: 551)));

        var reports = await ReportsAsync(host, run);
        var region = reports.Single(report => report.Column == "region");
        region.Rows.Should().Be(words);
        region.Groups.Select(group => group.Name).Should().StartWith(["south", "north"]);
        region.Groups.Sum(group => (long)group.Rows).Should().Be(
            run.Stages.Single(stage => stage.Stage == (folds > 0 ? "train" : "validate")).Rows - region.TooFew);
        var (south, north) = (region.Groups[0], region.Groups[1]);
        north.Metrics["rmse"].Should().BeGreaterThan(2 * south.Metrics["rmse"], "its noise is four times as large");
        north.Interval!.Low.Should().BeGreaterThan(south.Interval!.High);
        run.Metrics["slice.region.worst_rmse"].Should().Be(region.Groups.Max(group => group.Metrics["rmse"]));
        var age = reports.Single(report => report.Column == "age");
        age.Groups.Should().HaveCount(4, "numbers are cut into quarters").And.OnlyContain(group => group.Rows > 80);
        age.Groups.Select(group => group.Name).Should().Contain(name => name.StartsWith("up to ", StringComparison.Ordinal))
            .And.Contain(name => name.StartsWith("above ", StringComparison.Ordinal));
        run.Stages.Single(stage => stage.Stage == "validate").Warnings!.Select(warning => warning.Text).Should()
            .Contain("slices names 'regoin', and there is no such column; did you mean 'region'?");
        foreach (var file in new[] { ModelCardStage.Page, ModelCardStage.MarkdownFile })
        {
            var card = (await host.Get<ArtifactStore>().ReadAsync(run.Artifacts.Single(artifact => artifact.Path == file).Blob, default)).ToString();
            card.Should().Contain($"By region ({words} rows)").And.Contain("north");
        }
    }

    [Fact]
    public async Task The_worst_group_blocks_where_a_gate_says_so()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Definition() with { Slices = ["region"], Gates = new GateRules { Slices = new SliceGate(AtMost: 2) } };

        var run = await host.RunAsync(definition, host.WriteFile("people.csv", Csv(2000, seed: 552)));

        run.Run.State.Should().Be(RunState.Blocked);
        run.Run.BlockedBy.Should().ContainSingle().Which.Should().Match("slices: rmse of region 'north' (* out-of-fold rows) is *, above the allowed 2");
        run.Metrics["val_rmse"].Should().BeLessThan(run.Metrics["slice.region.worst_rmse"]);
    }

    [Fact]
    public async Task Classes_have_disparities_and_a_gate_on_equalised_odds()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Definition() with
        {
            Target = "class",
            Columns = new Dictionary<string, ColumnRule> { ["y"] = new() { Ignore = true }, ["region"] = new() { Ignore = true } },
            Slices = ["region"],
            Gates = new GateRules { Slices = new SliceGate(EqualizedOddsAtMost: 0.01) },
        };

        var run = await host.RunAsync(definition, host.WriteFile("people.csv", Csv(2000, seed: 553)));

        run.Run.BlockedBy.Should().ContainSingle().Which.Should().StartWith("slices: the equalised odds of region differ by 0.");
        run.Metrics["slice.region.selection_rate_ratio"].Should().BeInRange(0, 1);
        run.Metrics["slice.region.equalized_odds_difference"].Should().BeInRange(0.01, 1);
    }

    [Theory]
    [InlineData("""{ "model": "m", "target": "y", "slices": ["a", "a"] }""", "slices names 'a' twice.")]
    [InlineData("""{ "model": "m", "target": "y", "gates": { "slices": { "atMost": 1 } } }""", "gates.slices asks something of groups*")]
    public void Slices_that_say_nothing_are_refused(string json, string problem) =>
        json.Invoking(text => DefinitionJson.Read(text)).Should().Throw<InputException>().WithMessage(problem);

    private static PipelineDefinition Definition() => new()
    {
        Model = AzuriteFixture.UniqueModel(),
        Target = "y",
        Columns = new Dictionary<string, ColumnRule> { ["region"] = new() { Ignore = true }, ["class"] = new() { Ignore = true } },
        Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 40 }],
    };

    private static async Task<IReadOnlyList<SliceReport>> ReportsAsync(PipelineHost host, RunDetails run) => Json.Read<IReadOnlyList<SliceReport>>(
        (await host.Get<ArtifactStore>().ReadAsync(run.Artifacts.Single(artifact => artifact.Path == SliceReport.FileName).Blob, default)).ToString());

    /// <summary>A quarter of the rows is of a region whose noise is four times as large; one in fifty of one of ten small regions.</summary>
    private static string Csv(int rows, int seed)
    {
        var random = new Random(seed);
        var csv = new StringBuilder("x,age,region,y,class\n");
        for (var i = 0; i < rows; i++)
        {
            var (x, age) = (random.NextDouble() * 10, 18 + random.Next(60));
            var region = random.Next(50) == 0 ? $"islet {random.Next(10)}" : random.Next(4) == 0 ? "north" : "south";
            var noise = (region == "north" ? 4 : 1) * ((random.NextDouble() * 3.4) - 1.7);
            var isPositive = x + (region == "north" ? noise : 0) > 5;
            csv.Append(CultureInfo.InvariantCulture, $"{x:F4},{age},{region},{(2 * x) + (0.05 * age) + noise:F4},{(isPositive ? "yes" : "no")}\n");
        }
        return csv.ToString();
    }
}

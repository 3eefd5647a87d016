using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tests.Scoring;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Training;

[Collection(AzuriteFixture.Collection)]
public sealed class BestThresholdTests(AzuriteFixture azurite)
{
    [Theory]
    [InlineData("f1", 1)]
    [InlineData("accuracy", 2)]
    [InlineData("f1", 3)]
    [InlineData("accuracy", 4)]
    public void No_other_threshold_has_a_larger_metric(string metric, int seed)
    {
        var random = new Random(seed);
        double[] scores = [.. Enumerable.Range(0, 300).Select(_ => Math.Round(random.NextDouble(), 2))];
        var rows = new ScoredRows(TaskKind.Binary, [.. scores.Select(score => random.NextDouble() < score * 0.6 ? 1.0 : 0)], scores, 0.5);

        var best = BestThreshold.Of(rows, metric);

        var largest = Enumerable.Range(0, 1002).Max(step => (rows with { Threshold = step / 1000.0 }).Metrics()[metric]);
        (rows with { Threshold = best }).Metrics()[metric].Should().BeApproximately(largest, 1e-12);
    }

    [Fact]
    public void Classes_that_are_told_apart_are_cut_half_way()
    {
        var rows = new ScoredRows(TaskKind.Binary, [0, 0, 1, 1], [0.1, 0.2, 0.3, 0.9], 0.5);

        BestThreshold.Of(rows, "f1").Should().BeApproximately(0.25, 1e-12);
    }

    [Fact]
    public async Task A_run_serves_by_the_threshold_that_its_folds_found()
    {
        await using var host = new PipelineHost(azurite);
        var definition = ModelExplainerTests.Definition(TaskKind.Binary, missing: false) with
        {
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 30 }],
            Positive = "no",
            Train = new TrainRules(),
        };
        var path = host.WriteFile("trips.csv", ModelExplainerTests.Csv(800, TaskKind.Binary, missing: false));

        var half = await host.RunAsync(definition, path);
        var chosen = await host.RunAsync(definition with { ThresholdMetric = "f1" }, path);
        var foldless = await host.RunAsync(definition with { ThresholdMetric = "f1", Train = new TrainRules { Folds = 0 } }, path);

        half.Metrics["0-lightgbm.oof_threshold"].Should().Be(0.5);
        chosen.Metrics["0-lightgbm.oof_f1"].Should().BeGreaterThanOrEqualTo(half.Metrics["0-lightgbm.oof_f1"]);
        chosen.Metrics["val_threshold"].Should().Be(chosen.Metrics["0-lightgbm.oof_threshold"]).And.NotBe(0.5);
        chosen.Metrics["val_auc"].Should().Be(half.Metrics["val_auc"], "the model is the same");
        chosen.Stages.SelectMany(stage => stage.Warnings ?? []).Should().NotContain(warning => warning.Text.Contains("threshold"));
        foldless.Stages.SelectMany(stage => stage.Warnings ?? []).Should().Contain(warning => warning.Text.Contains("a little too good"));
    }

    [Fact]
    public void A_definition_names_a_number_or_a_metric()
    {
        DefinitionJson.Read("""{ "model": "m", "target": "y", "threshold": "f1" }""").ThresholdMetric.Should().Be("f1");
        DefinitionJson.Read("""{ "model": "m", "target": "y", "threshold": 0.2 }""").Threshold.Should().Be(0.2);
        DefinitionJson.Write(DefinitionJson.Read("""{ "model": "m", "target": "y", "threshold": "accuracy" }""")).Should()
            .Contain("\"threshold\": \"accuracy\"");
        var refused = () => DefinitionJson.Read("""{ "model": "m", "target": "y", "threshold": "f2" }""");
        refused.Should().Throw<InputException>().WithMessage("*threshold*f1, accuracy*");
    }
}

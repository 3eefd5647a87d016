using System.Globalization;
using System.Text;
using System.Text.Json;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Training;

[Collection(AzuriteFixture.Collection)]
public sealed class CalibrationTests(AzuriteFixture azurite)
{
    [Theory]
    [InlineData(0.3, 0.5)]
    [InlineData(2.5, -1)]
    public void A_scaling_finds_the_log_odds_that_probabilities_were_bent_from(double slope, double offset)
    {
        const int Seed = 541;
        var random = new Random(Seed);
        var truth = Enumerable.Range(0, 20_000).Select(_ => 0.02 + (0.96 * random.NextDouble())).ToArray();
        var labels = Array.ConvertAll(truth, probability => random.NextDouble() < probability ? 1.0 : 0);
        // What the model says: the truth is slope times its log-odds plus the offset.
        var said = Array.ConvertAll(truth, probability => 1 / (1 + Math.Exp(-((Math.Log(probability / (1 - probability)) - offset) / slope))));
        var folds = new Folds(5, [.. Enumerable.Range(0, said.Length).Select(row => row % 5)]);

        var (scaling, outOfFold) = PlattScaling.Find(said, labels, folds)!.Value;

        scaling.Slope.Should().BeApproximately(slope, 0.06 * slope, "of seed {0}", Seed);
        scaling.Offset.Should().BeApproximately(offset, 0.06);
        Loss(outOfFold, labels).Should().BeLessThan(Loss(said, labels)).And.BeApproximately(Loss(truth, labels), 0.003);
    }

    [Fact]
    public void Probabilities_that_are_what_they_say_are_left_alone()
    {
        var random = new Random(542);
        var truth = Enumerable.Range(0, 20_000).Select(_ => random.NextDouble()).ToArray();
        var labels = Array.ConvertAll(truth, probability => random.NextDouble() < probability ? 1.0 : 0);

        PlattScaling.Find(truth, labels, new Folds(5, [.. Enumerable.Range(0, truth.Length).Select(row => row % 5)])).Should().BeNull();
    }

    [Theory]
    [InlineData(TrainerNames.LightGbm)]
    [InlineData(TrainerNames.FastForest)]
    [InlineData(TrainerNames.FastTree)]
    public async Task A_model_that_is_too_sure_of_itself_predicts_better_after_calibration_and_its_explanation_adds_up_to_what_it_says(string trainer)
    {
        await using var host = new PipelineHost(azurite);
        var file = host.WriteFile("noisy.csv", Noisy(1500, seed: 543));
        var definition = new PipelineDefinition
        {
            Model = AzuriteFixture.UniqueModel(),
            Target = "class",
            Candidates = [new CandidateSpec { Trainer = trainer, Trees = 150, MinRowsPerLeaf = 3, EarlyStopping = 0 }],
        };

        var calibrated = await host.RunAsync(definition, file);
        var plain = await host.RunAsync(definition with { Model = AzuriteFixture.UniqueModel(), Train = new TrainRules { Folds = 0 } }, file);

        calibrated.Metrics[$"0-{trainer}.platt_slope"].Should().BeInRange(0.01, 0.9);
        calibrated.Metrics["val_log_loss"].Should().BeLessThan(plain.Metrics["val_log_loss"]);
        calibrated.Metrics["val_brier"].Should().BeLessThan(plain.Metrics["val_brier"]);
        calibrated.Metrics["val_auc"].Should().BeApproximately(plain.Metrics["val_auc"], 1e-6, "the order of rows stays");
        plain.Metrics.Should().NotContainKey($"0-{trainer}.platt_slope");
        (await CardAsync(host, calibrated)).Should().Contain("Probabilities are calibrated on out-of-fold predictions");
        (await CardAsync(host, plain)).Should().NotContain("Probabilities are calibrated");

        var version = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        var scorer = await ModelScorer.LoadAsync(host.Get<ArtifactStore>(), host.Get<FeatureFunctions>(), version.ToFiles(), default);
        JsonElement[] row = [JsonDocument.Parse("""{"x": 7.5, "z": 0.4}""").RootElement];
        var explained = await scorer.ExplainAsync(row, everyClass: false, TaskScheduler.Default, default);
        var logOdds = explained.BaseValues[0] + explained.Contributions[0].Sum();
        scorer.Predict(row)[0].Score.Should().BeApproximately(1 / (1 + Math.Exp(-logOdds)), 1e-5);
    }

    [Fact]
    public async Task Without_folds_a_model_is_calibrated_on_the_validation_rows_where_test_rows_tell_what_that_is_worth()
    {
        await using var host = new PipelineHost(azurite);
        var file = host.WriteFile("noisy.csv", Noisy(2000, seed: 544));
        var definition = new PipelineDefinition
        {
            Model = AzuriteFixture.UniqueModel(),
            Target = "class",
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 150, MinRowsPerLeaf = 3, EarlyStopping = 0 }],
            Train = new TrainRules { FoldsBelow = 100 },
        };

        var calibrated = await host.RunAsync(definition, file);
        var plain = await host.RunAsync(
            definition with { Model = AzuriteFixture.UniqueModel(), Split = new SplitRules { Test = 0 } }, file);

        calibrated.Metrics["0-lightgbm.platt_slope"].Should().BeInRange(0.01, 0.9);
        calibrated.Metrics["test_log_loss"].Should().BeLessThan(plain.Metrics["val_log_loss"] - 0.1);
        plain.Metrics.Should().NotContainKey("0-lightgbm.platt_slope");
        (await CardAsync(host, calibrated)).Should().Contain("Probabilities are calibrated on the validation rows");
    }

    [Fact]
    public void Of_many_rows_an_even_choice_finds_the_same_scaling()
    {
        var random = new Random(545);
        var truth = Enumerable.Range(0, 250_000).Select(_ => 0.02 + (0.96 * random.NextDouble())).ToArray();
        var labels = Array.ConvertAll(truth, probability => random.NextDouble() < probability ? 1.0 : 0);
        var said = Array.ConvertAll(truth, probability => 1 / (1 + Math.Exp(-Math.Log(probability / (1 - probability)) / 0.5)));

        PlattScaling.Find(new ScoredRows(TaskKind.Binary, labels, said, 0.5))!.Slope.Should().BeApproximately(0.5, 0.02);
        PlattScaling.Find(new ScoredRows(TaskKind.Binary, labels, truth, 0.5)).Should().BeNull();
    }

    private static async Task<string> CardAsync(PipelineHost host, RunDetails run) =>
        (await host.Get<ArtifactStore>().ReadAsync(run.Artifacts.Single(file => file.Path == "model-card.md").Blob, default)).ToString();

    private static double Loss(double[] predictions, double[] labels) => new ScoredRows(TaskKind.Binary, labels, predictions, 0.5).Metrics()["log_loss"];

    private static string Noisy(int rows, int seed)
    {
        var random = new Random(seed);
        var csv = new StringBuilder("x,z,class\n");
        for (var i = 0; i < rows; i++)
        {
            var (x, z) = (random.NextDouble() * 10, random.NextDouble());
            csv.Append(CultureInfo.InvariantCulture, $"{x:F4},{z:F4},{(random.NextDouble() < 0.25 + (0.05 * x) ? "yes" : "no")}\n");
        }
        return csv.ToString();
    }
}

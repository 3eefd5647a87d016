using System.Globalization;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.ModelCard;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Training;

[Collection(AzuriteFixture.Collection)]
public sealed class BaselineTests(AzuriteFixture azurite)
{
    [Fact]
    public void The_most_frequent_class_is_predicted_whatever_the_threshold_and_its_log_loss_is_the_entropy_of_the_shares()
    {
        var rows = new ScoredRows(TaskKind.Binary, [1, 0, 0, 0, 1], [0.9, 0.1, 0.2, 0.3, 0.8], Threshold: 0.1);

        var metrics = Baseline.Beside(rows, [0.4]).Metrics();

        metrics["accuracy"].Should().Be(0.6);
        metrics["auc"].Should().Be(0.5);
        metrics["log_loss"].Should().BeApproximately(-(0.4 * Math.Log(0.4)) - (0.6 * Math.Log(0.6)), 1e-12);
    }

    [Fact]
    public async Task A_model_that_learns_stands_far_above_the_baseline_and_nothing_is_said_against_it()
    {
        await using var host = new PipelineHost(azurite);

        var run = await host.RunAsync(Trips.Definition(), host.WriteFile("trips.csv", Trips.Csv(1000, seed: 521)));

        run.Metrics["baseline_r2"].Should().BeInRange(-0.2, 0, "the mean of other rows explains nothing");
        run.Metrics["baseline_rmse"].Should().BeGreaterThan(2 * run.Metrics["val_rmse"]);
        HeadlinesOf(run).Should().BeEmpty();
        foreach (var file in new[] { ModelCardStage.Page, ModelCardStage.MarkdownFile })
        {
            (await TextAsync(host, run, file)).Should().Contain("baseline: always the training mean")
                .And.Contain(run.Metrics["baseline_rmse"].ToString("G5", CultureInfo.InvariantCulture));
        }
    }

    [Theory]
    [InlineData("fare", "always predicting the training mean of 'fare': rmse is")]
    [InlineData("payment", "always predicting the most frequent class 'C")]
    public async Task A_useless_model_looks_useless(string target, string sentence)
    {
        await using var host = new PipelineHost(azurite);
        var random = new Random(522);
        var csv = "a,b,payment,fare\n" + string.Concat(Enumerable.Range(0, 600).Select(_ => string.Create(
            CultureInfo.InvariantCulture,
            $"{random.NextDouble():F4},{random.NextDouble():F4},{(random.Next(3) == 0 ? "CRD" : "CSH")},{random.NextDouble():F4}\n")));
        var definition = Trips.Definition() with
        {
            Target = target,
            Features = new FeatureRules(),
            Columns = new Dictionary<string, ColumnRule> { [target == "fare" ? "payment" : "fare"] = new() { Ignore = true } },
        };

        var run = await host.RunAsync(definition, host.WriteFile("noise.csv", csv));

        HeadlinesOf(run).Should().ContainSingle(headline => headline.Contains(sentence, StringComparison.Ordinal));
        (await TextAsync(host, run, ModelCardStage.Page)).Should().Contain("Nothing shows that the model is better");
    }

    private static IEnumerable<string> HeadlinesOf(RunDetails run) =>
        run.Stages.Single(stage => stage.Stage == "validate").Warnings?.Where(warning => warning.Headline).Select(warning => warning.Text) ?? [];

    private static async Task<string> TextAsync(PipelineHost host, RunDetails run, string path) =>
        (await host.Get<ArtifactStore>().ReadAsync(run.Artifacts.Single(artifact => artifact.Path == path).Blob, default)).ToString();
}

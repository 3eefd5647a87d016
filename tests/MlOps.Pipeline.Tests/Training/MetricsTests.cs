using Microsoft.ML;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Tests.Training;

/// <summary>Metrics and their intervals.</summary>
public sealed class MetricsTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    [InlineData(100_000)]
    public void Metrics_of_two_classes_are_those_of_ml_net(int levels)
    {
        var rows = Binary(2000, levels, seed: levels);
        var ml = new MLContext(1);
        var expected = ml.BinaryClassification.Evaluate(
            ml.Data.LoadFromEnumerable(rows.Scores.Zip(rows.Labels, (score, label) => new Row
            {
                Label = label > 0.5,
                Score = (float)score - 0.5f + 1e-6f,
                Probability = (float)score,
                PredictedLabel = score >= 0.5,
            })),
            nameof(Row.Label), nameof(Row.Score), nameof(Row.Probability), nameof(Row.PredictedLabel));

        var metrics = rows.Metrics();

        metrics["auc"].Should().BeApproximately(expected.AreaUnderRocCurve, 1e-6);
        metrics["log_loss"].Should().BeApproximately(expected.LogLoss * Math.Log(2), 1e-4);
        metrics["accuracy"].Should().BeApproximately(expected.Accuracy, 1e-9);
        metrics["f1"].Should().BeApproximately(expected.F1Score, 1e-9);
        metrics["precision"].Should().BeApproximately(expected.PositivePrecision, 1e-9);
        metrics["recall"].Should().BeApproximately(expected.PositiveRecall, 1e-9);
    }

    [Fact]
    public void Metrics_of_large_targets_keep_their_digits()
    {
        double[] labels = [.. Enumerable.Range(0, 1000).Select(i => 1_700_000_000d + i)];
        var rows = new ScoredRows(TaskKind.Regression, labels, [.. labels.Select((label, i) => label + (i % 2 == 0 ? 3 : -3))], 0.5);

        var metrics = rows.Metrics();

        metrics["rmse"].Should().BeApproximately(3, 1e-9);
        metrics["mae"].Should().BeApproximately(3, 1e-9);
        metrics["r2"].Should().BeApproximately(1 - (9 / (((1000d * 1000) - 1) / 12)), 1e-9);
    }

    [Fact]
    public void The_auc_counts_pairs_and_half_of_those_that_are_equal()
    {
        var rows = Binary(300, levels: 7, seed: 3);
        double wins = 0, pairs = 0;
        foreach (var positive in Enumerable.Range(0, rows.Count).Where(row => rows.Labels[row] > 0.5))
        {
            foreach (var negative in Enumerable.Range(0, rows.Count).Where(row => rows.Labels[row] <= 0.5))
            {
                pairs++;
                wins += rows.Scores[positive] > rows.Scores[negative] ? 1 : rows.Scores[positive] == rows.Scores[negative] ? 0.5 : 0;
            }
        }

        rows.Metrics()["auc"].Should().BeApproximately(wins / pairs, 1e-12);
    }

    [Theory]
    [InlineData("rmse")]
    [InlineData("mae")]
    [InlineData("r2")]
    public void An_interval_of_a_regression_metric_holds_the_truth_about_nineteen_times_in_twenty(string metric)
    {
        var all = Regression(200_000, seed: 1);
        var truth = all.Metrics()[metric];

        var held = Enumerable.Range(0, 200).Count(i => MetricIntervals.Of(Part(all, i * 1000, 300), metric)!.Contains(truth));

        held.Should().BeInRange(176, 199);
    }

    [Theory]
    [InlineData("auc")]
    [InlineData("log_loss")]
    [InlineData("accuracy")]
    public void An_interval_of_a_classification_metric_holds_the_truth_about_nineteen_times_in_twenty(string metric)
    {
        var all = Binary(200_000, levels: 1000, seed: 5);
        var truth = all.Metrics()[metric];

        var held = Enumerable.Range(0, 200).Count(i => MetricIntervals.Of(Part(all, i * 1000, 300), metric)!.Contains(truth));

        held.Should().BeInRange(176, 199);
    }

    [Theory]
    [InlineData("auc")]
    [InlineData("log_loss")]
    public void The_interval_of_a_difference_knows_that_both_models_saw_the_same_rows(string metric)
    {
        var rows = Binary(1000, levels: 1000, seed: 9);
        var worse = rows with { Scores = [.. rows.Scores.Select((score, i) => Math.Clamp(score + (i % 3 == 0 ? 0.05 : -0.05), 0.001, 0.999))] };
        var single = MetricIntervals.Of(rows, metric)!;

        var paired = MetricIntervals.OfDifference(rows, worse, metric)!;

        (paired.High - paired.Low).Should().BeLessThan((single.High - single.Low) / 2);
        MetricIntervals.OfDifference(rows, rows, metric)!.Should().Be(new Interval(0, 0));
    }

    [Fact]
    public void Too_few_rows_have_no_interval()
    {
        MetricIntervals.Of(new ScoredRows(TaskKind.Regression, [1], [1], 0.5), "rmse").Should().BeNull();
        MetricIntervals.Of(new ScoredRows(TaskKind.Binary, [1, 0], [0.9, 0.1], 0.5), "auc").Should().BeNull();
    }

    private static ScoredRows Part(ScoredRows rows, int start, int count) =>
        rows with { Labels = rows.Labels[start..(start + count)], Scores = rows.Scores[start..(start + count)] };

    private static ScoredRows Regression(int count, int seed)
    {
        var random = new Random(seed);
        double[] labels = [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() * 10)];
        return new ScoredRows(TaskKind.Regression, labels, [.. labels.Select(label => label + random.NextDouble() - 0.4)], 0.5);
    }

    private static ScoredRows Binary(int count, int levels, int seed)
    {
        var random = new Random(seed);
        double[] scores = [.. Enumerable.Range(0, count).Select(_ => (random.Next(levels) + 0.5) / levels)];
        return new ScoredRows(TaskKind.Binary, [.. scores.Select(score => random.NextDouble() < score ? 1d : 0d)], scores, 0.5);
    }

    private sealed class Row
    {
        public bool Label { get; set; }

        public float Score { get; set; }

        public float Probability { get; set; }

        public bool PredictedLabel { get; set; }
    }
}

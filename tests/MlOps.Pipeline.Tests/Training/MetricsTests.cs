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

    /// <summary>Expected: scikit-learn's log_loss, accuracy_score, f1_score (macro, weighted), roc_auc_score (one against the rest) on the same rows.</summary>
    [Theory]
    [InlineData(4, 1.6151673120414125, 0.21666666666666667, 0.1938311688311688, 0.20634199134199135, 0.46348229214166287)]
    [InlineData(3, 1.5973936767360206, null, 0.13124999999999998, 0.18430232558139534, 0.46698508463214344)]
    public void Metrics_of_several_classes_are_those_of_scikit_learn(
        int occurring, double logLoss, double? accuracy, double macro, double weighted, double auc)
    {
        var rows = Classes(60, classes: 4, occurring);

        var metrics = rows.Metrics();

        metrics["log_loss"].Should().BeApproximately(logLoss, 1e-12);
        metrics["accuracy"].Should().BeApproximately(accuracy ?? metrics["accuracy"], 1e-12);
        metrics["f1_macro"].Should().BeApproximately(macro, 1e-12);
        metrics["f1_weighted"].Should().BeApproximately(weighted, 1e-12);
        metrics["auc"].Should().BeApproximately(auc, 1e-12);
    }

    [Fact]
    public void A_row_of_a_class_that_the_model_does_not_know_is_a_miss()
    {
        var known = new ScoredRows(TaskKind.Multiclass, [0, 1, 2], [0.8, 0.1, 0.1, 0.1, 0.8, 0.1, 0.1, 0.1, 0.8], 0.5) { Classes = 3 };

        var metrics = (known with { Labels = [0, 1, double.NaN] }).Metrics();

        metrics["accuracy"].Should().BeApproximately(2 / 3.0, 1e-12);
        metrics["log_loss"].Should().BeApproximately(((2 * -Math.Log(0.8)) - Math.Log(1e-7)) / 3, 1e-12);
        known.Metrics()["accuracy"].Should().Be(1);
    }

    [Fact]
    public void Intervals_of_several_classes_hold_their_metric()
    {
        var rows = Classes(600, classes: 4, occurring: 4);

        foreach (var (metric, value) in rows.Metrics())
        {
            MetricIntervals.Of(rows, metric)!.Contains(value).Should().BeTrue(metric);
            MetricIntervals.OfDifference(rows, rows, metric).Should().Be(new Interval(0, 0));
        }
    }

    /// <summary>Rows by a rule that is written down in another language as easily.</summary>
    private static ScoredRows Classes(int rows, int classes, int occurring)
    {
        int[] kept = [.. Enumerable.Range(0, rows).Where(row => LabelOf(row) < occurring)];
        double[] scores =
        [
            .. kept.SelectMany(row =>
            {
                double[] weights = [.. Enumerable.Range(0, classes).Select(place => 1.0 + (((row * 7) + (place * 13)) % 11))];
                return weights.Select(weight => weight / weights.Sum());
            })
        ];
        return new ScoredRows(TaskKind.Multiclass, [.. kept.Select(row => (double)LabelOf(row))], scores, 0.5) { Classes = classes };

        int LabelOf(int row) => ((row * row) + row) / 2 % 7 % classes;
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
    [InlineData("f1_macro")]
    public void An_interval_of_a_metric_of_several_classes_holds_the_truth_about_nineteen_times_in_twenty(string metric)
    {
        var all = FourClasses(100_000, seed: 3);
        var truth = all.Metrics()[metric];

        var held = Enumerable.Range(0, 200).Count(i => MetricIntervals.Of(PartOfFour(all, i * 500, 300), metric)!.Contains(truth));

        held.Should().BeInRange(176, 199);
    }

    [Fact]
    public void Two_classes_told_as_several_have_the_interval_of_two()
    {
        var two = Binary(400, levels: 1000, seed: 4);
        var several = new ScoredRows(TaskKind.Multiclass, two.Labels, [.. two.Scores.SelectMany(score => new[] { 1 - score, score })], 0.5) { Classes = 2 };

        var (of, told) = (MetricIntervals.Of(two, "auc")!, MetricIntervals.Of(several, "auc")!);

        told.Low.Should().BeApproximately(of.Low, 1e-9);
        told.High.Should().BeApproximately(of.High, 1e-9);
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
        var lonely = Classes(600, classes: 4, occurring: 3);
        MetricIntervals.Of(lonely with { Labels = [3, .. lonely.Labels[1..]] }, "auc").Should().BeNull("of the class of one row nobody knows how it differs");
    }

    private static ScoredRows Part(ScoredRows rows, int start, int count) =>
        rows with { Labels = rows.Labels[start..(start + count)], Scores = rows.Scores[start..(start + count)] };

    private static ScoredRows PartOfFour(ScoredRows rows, int start, int count) =>
        rows with { Labels = rows.Labels[start..(start + count)], Scores = rows.Scores[(4 * start)..(4 * (start + count))] };

    /// <summary>Classes of unequal size, each as probable as told.</summary>
    private static ScoredRows FourClasses(int count, int seed)
    {
        var random = new Random(seed);
        var (labels, scores) = (new double[count], new double[4 * count]);
        for (var row = 0; row < count; row++)
        {
            double[] weights = [.. Enumerable.Range(1, 4).Select(place => place * Math.Pow(random.NextDouble(), 2))];
            var drawn = random.NextDouble() * weights.Sum();
            for (var place = 0; place < 4; place++)
            {
                scores[(4 * row) + place] = weights[place] / weights.Sum();
                labels[row] += place < 3 && drawn > weights[..(place + 1)].Sum() ? 1 : 0;
            }
        }
        return new ScoredRows(TaskKind.Multiclass, labels, scores, 0.5) { Classes = 4 };
    }

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

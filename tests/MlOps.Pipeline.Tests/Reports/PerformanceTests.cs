using Microsoft.ML;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reports.Card;

namespace MlOps.Pipeline.Tests.Reports;

public sealed class PerformanceTests
{
    [Theory]
    [InlineData(200, 1000)]
    [InlineData(2000, 7)]
    public void The_area_under_the_ROC_curve_is_the_AUC_that_ML_NET_measures(int rows, int levels)
    {
        var performance = Binary(rows, levels);

        var points = performance.Roc(most: rows + 1);

        var area = points.Zip(points.Skip(1), (a, b) => (b.FalsePositives - a.FalsePositives) * (a.TruePositives + b.TruePositives) / 2).Sum();
        area.Should().BeApproximately(Auc(performance), 1e-6);
        (points[0], points[^1]).Should().Be(((0, 0), (1, 1)));
    }

    [Fact]
    public void A_thinned_ROC_curve_keeps_its_ends_and_its_shape()
    {
        var performance = Binary(3000, 3000);
        var all = performance.Roc(int.MaxValue).ToHashSet();

        var thinned = performance.Roc(most: 50);

        thinned.Should().HaveCount(50).And.OnlyContain(point => all.Contains(point)).And.BeInAscendingOrder(point => point.FalsePositives);
        (thinned[0], thinned[^1]).Should().Be(((0, 0), (1, 1)));
    }

    [Fact]
    public void Calibration_groups_rows_by_probability_and_leaves_none_out()
    {
        var performance = new Performance(TaskKind.Binary, [0, 0, 1, 0, 1, 1], [0.1f, 0.2f, 0.3f, 0.6f, 0.8f, 0.9f]);

        var groups = performance.Calibration(groups: 2);

        groups.Should().HaveCount(2);
        groups[0].Predicted.Should().BeApproximately(0.2, 1e-6);
        groups[0].Observed.Should().BeApproximately(1 / 3.0, 1e-6);
        groups[1].Predicted.Should().BeApproximately(2.3 / 3, 1e-6);
        groups[1].Observed.Should().BeApproximately(2 / 3.0, 1e-6);
    }

    [Theory]
    [InlineData(0d)]
    [InlineData(1e6)]
    public void A_histogram_counts_every_residual_whatever_the_outliers(double outlier)
    {
        double[] labels = [.. Enumerable.Range(0, 999).Select(i => (double)(i % 10)), 0];
        double[] predictions = [.. labels.Select((label, i) => label + (i % 7)).SkipLast(1), outlier];

        var (centres, counts, width) = new Performance(TaskKind.Regression, labels, predictions).ResidualHistogram(bins: 20);

        counts.Sum().Should().Be(1000);
        counts.Count(count => count > 0).Should().BeGreaterThanOrEqualTo(7);
        (centres[^1] - centres[0]).Should().BeApproximately(19 * width, 1e-9).And.BeLessThan(10);
    }

    [Fact]
    public void Residuals_that_are_all_alike_make_a_histogram_too()
    {
        var (_, counts, width) = new Performance(TaskKind.Regression, [1, 2, 3], [2, 3, 4]).ResidualHistogram(bins: 4);

        counts.Sum().Should().Be(3);
        width.Should().BeGreaterThan(0);
    }

    private static Performance Binary(int rows, int levels)
    {
        var random = new Random(rows + levels);
        double[] predictions = [.. Enumerable.Range(0, rows).Select(_ => (double)(random.Next(levels) / (float)levels))];
        double[] labels = [.. predictions.Select(probability => random.NextDouble() < probability ? 1d : 0d)];
        return new Performance(TaskKind.Binary, labels, predictions);
    }

    private static double Auc(Performance performance)
    {
        var ml = new MLContext(1);
        var rows = ml.Data.LoadFromEnumerable(
            performance.Labels.Zip(performance.Predictions, (label, score) => new Row { Label = label > 0.5, Score = (float)score }));
        return ml.BinaryClassification.EvaluateNonCalibrated(rows, nameof(Row.Label), nameof(Row.Score)).AreaUnderRocCurve;
    }

    private sealed class Row
    {
        public bool Label { get; set; }

        public float Score { get; set; }

        public bool PredictedLabel { get; set; }
    }
}

using MathNet.Numerics.Distributions;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Tests.Training;

/// <summary>
/// Estimates without the truth against the truth, in simulations where both are known. Windows have 20,000 rows, of which a share such as the accuracy has a
/// standard error of at most 0.0035: 0.015 is four of them, and a little for two fitted parameters of calibration.
/// </summary>
public sealed class EstimatedPerformanceTests
{
    private const int Rows = 20_000;
    private const double Near = 0.015;

    [Fact]
    public void Of_two_classes_whose_features_have_moved_every_metric_is_estimated_closely()
    {
        var random = new Random(1);
        // The model is twice as sure as it should be: calibration has to find that.
        var validation = Draw(random, mean: 0, spread: 1.5);
        var window = Draw(random, mean: 0.4, spread: 0.5);

        var calibrations = ExpectedPerformance.Calibrate(validation);
        var estimated = ExpectedPerformance.Of(window, ExpectedPerformance.Calibrated(window, calibrations));

        var (realized, before) = (window.Metrics(), validation.Metrics());
        estimated.Keys.Should().BeEquivalentTo(DefinitionNames.Metrics[TaskKind.Binary].Keys);
        foreach (var (metric, value) in estimated)
        {
            // A loss in nats is not bounded by 1: its standard error is that much larger.
            value.Should().BeApproximately(realized[metric], metric == "log_loss" ? 3 * Near : Near, metric);
        }
        (before["accuracy"] - realized["accuracy"]).Should().BeGreaterThan(5 * Near, "there is something to be seen");
        calibrations.Should().ContainSingle().Which.Slope.Should().BeApproximately(0.5, 0.05);
    }

    [Fact]
    public void Of_several_classes_whose_features_have_moved_every_metric_is_estimated_closely()
    {
        var random = new Random(2);
        var validation = DrawClasses(random, spread: 2);
        var window = DrawClasses(random, spread: 0.7);

        var calibrated = ExpectedPerformance.Calibrated(window, ExpectedPerformance.Calibrate(validation));
        var estimated = ExpectedPerformance.Of(window, calibrated);

        var (realized, before) = (window.Metrics(), validation.Metrics());
        estimated.Keys.Should().BeEquivalentTo(DefinitionNames.Metrics[TaskKind.Multiclass].Keys);
        foreach (var (metric, value) in estimated)
        {
            value.Should().BeApproximately(realized[metric], metric == "log_loss" ? 3 * Near : Near, metric);
        }
        (before["accuracy"] - realized["accuracy"]).Should().BeGreaterThan(5 * Near);
        Enumerable.Range(0, 100).Should().OnlyContain(row => Math.Abs(calibrated.Skip(3 * row).Take(3).Sum() - 1) < 1e-9);
    }

    [Fact]
    public void Of_numbers_whose_features_have_moved_the_error_is_estimated_closely()
    {
        var random = new Random(3);
        var (validation, predictions) = DrawNumbers(random, row => row % 100, rows: 5_000);
        var (window, moved) = DrawNumbers(random, row => 60 + (row % 40), rows: 5_000);

        var (models, outOfFold) = ErrorModels.Fit(validation, predictions, seed: 1, threads: 2, default);
        var estimated = models.Estimate(window, threads: 2);

        var (realized, before) = (Realized(window, moved), Realized(validation, predictions));
        // The standard error of an rmse of 5,000 rows is 1 % of it; trees that learn a squared error are a few percent off.
        foreach (var metric in new[] { "rmse", "mae" })
        {
            (estimated[metric] / realized[metric]).Should().BeInRange(0.93, 1.07, metric);
            (outOfFold[metric] / before[metric]).Should().BeInRange(0.95, 1.05, metric);
            (realized[metric] / before[metric]).Should().BeGreaterThan(1.3, "there is something to be seen");
        }
    }

    [Fact]
    public void What_has_changed_of_how_the_target_follows_from_the_features_is_not_seen()
    {
        var random = new Random(4);
        var validation = Draw(random, mean: 0, spread: 1.5);
        var same = Draw(random, mean: 0, spread: 1.5);
        // Concept drift: the same rows, and of every second one the opposite comes true.
        var turned = same with { Labels = [.. same.Labels.Select((label, row) => row % 2 == 0 ? label : 1 - label)] };
        var calibrations = ExpectedPerformance.Calibrate(validation);
        var (table, predictions) = DrawNumbers(random, row => row % 100, rows: 2_000);
        var (models, _) = ErrorModels.Fit(table, predictions, seed: 1, threads: 2, default);

        var estimated = ExpectedPerformance.Of(turned, ExpectedPerformance.Calibrated(turned, calibrations));
        var error = models.Estimate(table, threads: 2)["rmse"];

        estimated["accuracy"].Should().BeApproximately(validation.Metrics()["accuracy"], Near, "nothing in the features says that it is not so any more");
        turned.Metrics()["accuracy"].Should().BeApproximately(0.5, Near);
        var shifted = predictions.Select(prediction => prediction + 100).ToArray();
        Realized(table, shifted)["rmse"].Should().BeGreaterThan(5 * error, "a target that has moved by 100 is not seen either");
    }

    /// <summary>Two classes; the true log-odds are twice a feature that is normally distributed.</summary>
    private static ScoredRows Draw(Random random, double mean, double spread)
    {
        var (labels, scores) = (new double[Rows], new double[Rows]);
        for (var row = 0; row < Rows; row++)
        {
            var logit = 2 * Normal.Sample(random, mean, spread);
            labels[row] = random.NextDouble() < Logistic(logit) ? 1 : 0;
            scores[row] = Logistic(2 * logit);
        }
        return new ScoredRows(TaskKind.Binary, labels, scores, 0.5);
    }

    /// <summary>Three classes with a normally distributed score each.</summary>
    private static ScoredRows DrawClasses(Random random, double spread)
    {
        var (labels, scores) = (new double[Rows], new double[3 * Rows]);
        for (var row = 0; row < Rows; row++)
        {
            var weights = Enumerable.Range(0, 3).Select(_ => Math.Exp(Normal.Sample(random, 0, spread))).ToArray();
            var (drawn, sum) = (random.NextDouble() * weights.Sum(), 0.0);
            labels[row] = Array.FindIndex(weights, weight => (sum += weight) >= drawn);
            for (var place = 0; place < 3; place++)
            {
                scores[(3 * row) + place] = weights[place] / weights.Sum();
            }
        }
        return new ScoredRows(TaskKind.Multiclass, labels, scores, 0.5) { Classes = 3 };
    }

    /// <summary>A model that is right on average, and the less exact the larger its feature.</summary>
    private static (FeatureTable Table, double[] Predictions) DrawNumbers(Random random, Func<int, double> feature, int rows)
    {
        var table = FeatureTable.MadeUp(rows);
        for (var row = 0; row < rows; row++)
        {
            var x = feature(row);
            table.Numbers[0][row] = (float)x;
            table.Labels[row] = (2 * x) + Normal.Sample(random, 0, 1 + (x / 10));
        }
        return (table, [.. Enumerable.Range(0, rows).Select(row => 2.0 * table.Numbers[0][row])]);
    }

    private static IReadOnlyDictionary<string, double> Realized(FeatureTable table, double[] predictions) =>
        new ScoredRows(TaskKind.Regression, table.Labels, predictions, 0.5).Metrics();

    private static double Logistic(double logOdds) => 1 / (1 + Math.Exp(-logOdds));
}

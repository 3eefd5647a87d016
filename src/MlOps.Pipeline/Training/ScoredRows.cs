using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Training;

/// <summary>Predictions beside the truth, all in double precision.</summary>
/// <param name="Task">Regression or binary.</param>
/// <param name="Labels">The target's value, or 1 for positive and 0 for negative.</param>
/// <param name="Scores">The predicted value, or the probability of positive.</param>
/// <param name="Threshold">Binary: probability at and above which a row is predicted positive.</param>
internal sealed record ScoredRows(TaskKind Task, double[] Labels, double[] Scores, double Threshold)
{
    private const double LeastProbability = 1e-7;

    public int Count => Labels.Length;

    /// <summary>
    /// Regression: rmse, mae (in the target's unit), r2. Binary: auc, log_loss (nats a row), brier, accuracy, f1, precision, recall at the threshold, and
    /// that threshold. NaN where the rows do not say, such as an r2 of equal targets.
    /// </summary>
    public IReadOnlyDictionary<string, double> Metrics()
    {
        var sums = new double[RowSums.Length];
        RowSums.Add(this, 0, Count, sums);
        if (Task == TaskKind.Regression)
        {
            return new Dictionary<string, double>
            {
                ["rmse"] = RowSums.Metric("rmse", sums),
                ["mae"] = RowSums.Metric("mae", sums),
                ["r2"] = RowSums.Metric("r2", sums),
            };
        }
        return new Dictionary<string, double>
        {
            ["auc"] = RankStatistics.Auc(this),
            ["log_loss"] = RowSums.Metric("log_loss", sums),
            ["brier"] = RowSums.Metric("brier", sums),
            ["accuracy"] = RowSums.Metric("accuracy", sums),
            ["f1"] = RowSums.Metric("f1", sums),
            ["precision"] = RowSums.Metric("precision", sums),
            ["recall"] = RowSums.Metric("recall", sums),
            ["threshold"] = Threshold,
        };
    }

    /// <summary>Loss of a row in nats; a probability of 0 or 1 counts as one that is nearly so.</summary>
    public double LogLoss(int row)
    {
        var probability = Math.Clamp(Scores[row], LeastProbability, 1 - LeastProbability);
        return Labels[row] > 0.5 ? -Math.Log(probability) : -double.LogP1(-probability);
    }
}

/// <summary>Sums over rows of which every metric but the AUC is a function: what a bootstrap draws again and again.</summary>
internal static class RowSums
{
    /// <summary>How many sums there are.</summary>
    public const int Length = 7;

    /// <summary>Adds the rows of a range.</summary>
    public static void Add(ScoredRows rows, int start, int end, Span<double> sums)
    {
        // Targets counted from the first one, so that their squares keep the digits that matter.
        var origin = rows.Count > 0 ? rows.Labels[0] : 0;
        for (var row = start; row < end; row++)
        {
            sums[0]++;
            var (label, score) = (rows.Labels[row], rows.Scores[row]);
            if (rows.Task == TaskKind.Regression)
            {
                sums[1] += (score - label) * (score - label);
                sums[2] += Math.Abs(score - label);
                sums[3] += label - origin;
                sums[4] += (label - origin) * (label - origin);
                continue;
            }
            var (positive, predicted) = (label > 0.5, score >= rows.Threshold);
            sums[1] += rows.LogLoss(row);
            sums[2] += positive == predicted ? 1 : 0;
            sums[3] += positive && predicted ? 1 : 0;
            sums[4] += !positive && predicted ? 1 : 0;
            sums[5] += positive && !predicted ? 1 : 0;
            // Brier, Verification of Forecasts Expressed in Terms of Probability, 1950.
            sums[6] += (score - label) * (score - label);
        }
    }

    /// <summary>The metric of the rows that were added; NaN where they do not say.</summary>
    public static double Metric(string name, ReadOnlySpan<double> sums)
    {
        var rows = sums[0];
        return name switch
        {
            "rmse" => Math.Sqrt(sums[1] / rows),
            "mae" => sums[2] / rows,
            "r2" => R2(sums),
            "log_loss" => sums[1] / rows,
            "brier" => sums[6] / rows,
            "accuracy" => sums[2] / rows,
            "precision" => Share(sums[3], sums[4]),
            "recall" => Share(sums[3], sums[5]),
            "f1" => 2 * sums[3] / ((2 * sums[3]) + sums[4] + sums[5]) is var f1 && double.IsNaN(f1) ? 0 : f1,
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "It is no sum over rows."),
        };
    }

    private static double R2(ReadOnlySpan<double> sums)
    {
        var spread = sums[4] - (sums[3] * sums[3] / sums[0]);
        return spread > 0 ? 1 - (sums[1] / spread) : double.NaN;
    }

    private static double Share(double hits, double misses) => hits + misses > 0 ? hits / (hits + misses) : 0;
}

namespace MlOps.Pipeline.Training;

/// <summary>
/// The area under the ROC curve by ranks, and its variance and covariance after DeLong, DeLong and Clarke-Pearson (1988) in the fast form of Sun and Xu
/// (2014). Scores are compared unrounded; equal ones share their rank.
/// </summary>
internal static class RankStatistics
{
    /// <summary>Of several classes the mean of each against all others, over those that have rows. NaN when there is nothing to rank.</summary>
    public static double Auc(ScoredRows rows)
    {
        if (rows.Classes > 1)
        {
            return Enumerable.Range(0, rows.Classes).Select(place => Auc(rows.OneAgainstOthers(place))).Where(double.IsFinite).DefaultIfEmpty(double.NaN)
                .Average();
        }
        var (positive, negative) = Components(rows.Labels, rows.Scores);
        return positive.Length == 0 || negative.Length == 0 ? double.NaN : positive.Average();
    }

    /// <summary>Standard error of the AUC; NaN when a class has fewer than two rows.</summary>
    public static double StandardError(ScoredRows rows)
    {
        var (positive, negative) = Components(rows.Labels, rows.Scores);
        return Math.Sqrt((Variance(positive) / positive.Length) + (Variance(negative) / negative.Length));
    }

    /// <summary>Standard error of the difference of two models' AUC on the same rows.</summary>
    public static double StandardError(ScoredRows first, ScoredRows second)
    {
        var (positive, negative) = Components(first.Labels, first.Scores);
        var (otherPositive, otherNegative) = Components(second.Labels, second.Scores);
        double[] positives = [.. positive.Zip(otherPositive, (a, b) => a - b)];
        double[] negatives = [.. negative.Zip(otherNegative, (a, b) => a - b)];
        return Math.Sqrt((Variance(positives) / positives.Length) + (Variance(negatives) / negatives.Length));
    }

    /// <summary>For each positive row the share of negatives that it is ranked above, and for each negative row the share of positives above it.</summary>
    private static (double[] Positive, double[] Negative) Components(double[] labels, double[] scores)
    {
        int[] positives = [.. Enumerable.Range(0, labels.Length).Where(row => labels[row] > 0.5)];
        int[] negatives = [.. Enumerable.Range(0, labels.Length).Where(row => labels[row] <= 0.5)];
        var all = Midranks([.. positives.Select(row => scores[row]), .. negatives.Select(row => scores[row])]);
        var among = Midranks([.. positives.Select(row => scores[row])]);
        var others = Midranks([.. negatives.Select(row => scores[row])]);
        var (m, n) = (positives.Length, negatives.Length);
        return (
            [.. Enumerable.Range(0, m).Select(i => (all[i] - among[i]) / n)],
            [.. Enumerable.Range(0, n).Select(i => 1 - ((all[m + i] - others[i]) / m))]);
    }

    private static double[] Midranks(double[] values)
    {
        var order = Enumerable.Range(0, values.Length).ToArray();
        Array.Sort((double[])values.Clone(), order);
        var ranks = new double[values.Length];
        for (var start = 0; start < order.Length;)
        {
            var end = start;
            while (end < order.Length && values[order[end]] == values[order[start]])
            {
                end++;
            }
            for (var i = start; i < end; i++)
            {
                ranks[order[i]] = (start + end + 1) / 2.0;
            }
            start = end;
        }
        return ranks;
    }

    private static double Variance(double[] values)
    {
        if (values.Length < 2)
        {
            return double.NaN;
        }
        var mean = values.Average();
        return values.Sum(value => (value - mean) * (value - mean)) / (values.Length - 1);
    }
}

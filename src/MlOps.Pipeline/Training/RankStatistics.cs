namespace MlOps.Pipeline.Training;

/// <summary>
/// The area under the ROC curve by ranks, and its variance and covariance after DeLong, DeLong and Clarke-Pearson (1988) in the fast form of Sun and Xu
/// (2014). Scores are compared unrounded; equal ones share their rank.
/// </summary>
/// <remarks>
/// Of several classes it is the mean of each against all others, over those that have rows. A row counts in every class, as one of it or as one of the others:
/// the sum of what it changes in all of them is its part in the error of the mean (the influence function; DeLong's variance is the case of two classes).
/// </remarks>
internal static class RankStatistics
{
    /// <summary>NaN when there is nothing to rank.</summary>
    public static double Auc(ScoredRows rows)
    {
        if (rows.Classes > 1)
        {
            return Enumerable.Range(0, rows.Classes).Select(place => Auc(rows.OneAgainstOthers(place))).Where(double.IsFinite).DefaultIfEmpty(double.NaN)
                .Average();
        }
        var (positive, negative) = Components(rows);
        return positive.Length == 0 || negative.Length == 0 ? double.NaN : positive.Average();
    }

    /// <summary>The AUC and its standard error, which is NaN when a class has fewer than two rows.</summary>
    public static (double Auc, double Error) WithError(ScoredRows rows)
    {
        var (auc, parts) = WithParts(rows);
        return (auc, Math.Sqrt(parts.Sum(part => part * part)));
    }

    /// <summary>The difference of two models' AUC on the same rows, and its standard error.</summary>
    public static (double Difference, double Error) OfDifference(ScoredRows first, ScoredRows second)
    {
        var ((mine, parts), (theirs, others)) = (WithParts(first), WithParts(second));
        return (mine - theirs, Math.Sqrt(parts.Zip(others, (a, b) => (a - b) * (a - b)).Sum()));
    }

    /// <summary>The AUC, and each row's part in its error: the error is the root of the sum of their squares.</summary>
    private static (double Auc, double[] Parts) WithParts(ScoredRows rows)
    {
        if (rows.Classes <= 1)
        {
            return OfTwo(rows);
        }
        var (sum, classes, parts) = (0.0, 0, new double[rows.Count]);
        for (var place = 0; place < rows.Classes; place++)
        {
            var (auc, own) = OfTwo(rows.OneAgainstOthers(place));
            if (!double.IsFinite(auc))
            {
                continue;
            }
            (sum, classes) = (sum + auc, classes + 1);
            for (var row = 0; row < parts.Length; row++)
            {
                parts[row] += own[row];
            }
        }
        return (sum / classes, Array.ConvertAll(parts, part => part / classes));
    }

    private static (double Auc, double[] Parts) OfTwo(ScoredRows rows)
    {
        var (positive, negative) = Components(rows);
        var auc = positive.Length == 0 || negative.Length == 0 ? double.NaN : positive.Average();
        var (nextPositive, nextNegative) = (0, 0);
        return (auc, Array.ConvertAll(rows.Labels, label => label > 0.5 ? Part(positive, nextPositive++) : Part(negative, nextNegative++)));

        // One row alone says nothing of how such rows differ.
        double Part(double[] components, int i) =>
            components.Length < 2 ? double.NaN : (components[i] - auc) / Math.Sqrt((double)components.Length * (components.Length - 1));
    }

    /// <summary>For each positive row the share of negatives that it is ranked above, and for each negative row the share of positives above it.</summary>
    private static (double[] Positive, double[] Negative) Components(ScoredRows rows)
    {
        var (labels, scores) = (rows.Labels, rows.Scores);
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
}

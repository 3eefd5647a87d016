using MathNet.Numerics.Distributions;

namespace MlOps.Pipeline.Training;

/// <summary>An interval that holds the true value with a probability of 95 %, as far as the rows are a sample of all rows.</summary>
/// <param name="Low">Its lower end.</param>
/// <param name="High">Its upper end.</param>
public sealed record Interval(double Low, double High)
{
    public bool Contains(double value) => value >= Low && value <= High;
}

/// <summary>
/// Intervals of metrics: of the AUC after DeLong (<see cref="RankStatistics"/>), of the others by the percentile bootstrap (Efron and Tibshirani,
/// 1993) over rows, or over a thousand groups of rows where there are more. The same rows give the same interval.
/// </summary>
internal static class MetricIntervals
{
    private const int MostGroups = 1000;
    private const int Draws = 1000;
    private const double Usual = 0.95;

    /// <summary>Null where the rows say too little.</summary>
    public static Interval? Of(ScoredRows rows, string metric)
    {
        if (metric == "auc")
        {
            return Around(RankStatistics.WithError(rows), Usual, 0, 1);
        }
        return Bootstrap(rows, Usual, (groups, drawn) =>
        {
            var sums = SumsOf(rows, groups);
            return weights => RowSums.Metric(metric, Drawn(sums, weights, drawn));
        });
    }

    /// <summary>Interval of the first model's metric minus the second's, both on the same rows; null where they say too little.</summary>
    /// <param name="first">One model's rows.</param>
    /// <param name="second">The other's.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="level">Probability that the interval holds the true difference.</param>
    public static Interval? OfDifference(ScoredRows first, ScoredRows second, string metric, double level = Usual)
    {
        if (metric == "auc")
        {
            return Around(RankStatistics.OfDifference(first, second), level, -1, 1);
        }
        return Bootstrap(first, level, (groups, drawn) =>
        {
            var (mine, theirs) = (SumsOf(first, groups), SumsOf(second, groups));
            return weights => RowSums.Metric(metric, Drawn(mine, weights, drawn)) - RowSums.Metric(metric, Drawn(theirs, weights, drawn));
        });
    }

    private static Interval? Around((double Value, double Error) measured, double level, double least, double most)
    {
        var (value, error) = measured;
        var reach = Normal.InvCDF(0, 1, (1 + level) / 2) * error;
        return double.IsFinite(reach) ? new Interval(Math.Max(least, value - reach), Math.Min(most, value + reach)) : null;
    }

    private static Interval? Bootstrap(ScoredRows rows, double level, Func<int, double[], Func<int[], double>> prepare)
    {
        if (rows.Count < 2)
        {
            return null;
        }
        var groups = Math.Min(rows.Count, MostGroups);
        var metric = prepare(groups, new double[RowSums.LengthOf(rows)]);
        var random = new Random(1);
        var weights = new int[groups];
        var values = new List<double>(Draws);
        for (var draw = 0; draw < Draws; draw++)
        {
            Array.Clear(weights);
            for (var i = 0; i < groups; i++)
            {
                weights[random.Next(groups)]++;
            }
            if (metric(weights) is var value && double.IsFinite(value))
            {
                values.Add(value);
            }
        }
        values.Sort();
        // Draws in which a metric is undefined, such as an r2 of one row, are few or the metric says nothing.
        return values.Count > Draws / 2 ? new Interval(At((1 - level) / 2), At((1 + level) / 2)) : null;

        double At(double share) => values[Math.Min(values.Count - 1, (int)(values.Count * share))];
    }

    private static double[][] SumsOf(ScoredRows rows, int groups)
    {
        var sums = new double[groups][];
        for (var group = 0; group < groups; group++)
        {
            sums[group] = new double[RowSums.LengthOf(rows)];
            RowSums.Add(rows, (int)((long)group * rows.Count / groups), (int)((long)(group + 1) * rows.Count / groups), sums[group]);
        }
        return sums;
    }

    private static double[] Drawn(double[][] sums, int[] weights, double[] drawn)
    {
        Array.Clear(drawn);
        for (var group = 0; group < sums.Length; group++)
        {
            if (weights[group] == 0)
            {
                continue;
            }
            for (var i = 0; i < drawn.Length; i++)
            {
                drawn[i] += weights[group] * sums[group][i];
            }
        }
        return drawn;
    }
}

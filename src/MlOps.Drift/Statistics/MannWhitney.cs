using MathNet.Numerics;
using MathNet.Numerics.Distributions;
using MlOps.Drift.Profiles;

namespace MlOps.Drift.Statistics;

/// <summary>
/// Mann-Whitney U test with the alternative that reference values are smaller than current ones: as Evidently calls it, one-sided, so a
/// column that fell does not drift. Exact where a side has at most 8 values and no two are equal; else by the normal distribution, corrected
/// for ties and continuity.
/// </summary>
internal static class MannWhitney
{
    private const int MostValuesOfExact = 8;

    public static double PValue(ColumnPair pair)
    {
        double n1 = pair.Reference.Count, n2 = pair.Current.Count, n = n1 + n2;
        double rankSum = 0, ties = 0, below = 0, belowReference = 0;
        foreach (var step in CumulativeWalk.Of(pair))
        {
            double through = step.Reference + step.Current;
            var tied = through - below;
            rankSum += (step.Reference - belowReference) * (below + ((tied + 1) / 2));
            ties += (tied * tied * tied) - tied;
            (below, belowReference) = (through, step.Reference);
        }
        var u = (n1 * n2) - (rankSum - (n1 * (n1 + 1) / 2));
        if (ties == 0 && (n1 <= MostValuesOfExact || n2 <= MostValuesOfExact))
        {
            return Math.Clamp(ExactUpperTail((int)u, (int)n1, (int)n2), 0, 1);
        }
        var deviation = Math.Sqrt(n1 * n2 / 12 * ((n + 1) - (ties / (n * (n - 1)))));
        var z = (u - (n1 * n2 / 2) - 0.5) / deviation;
        return Math.Clamp(Normal.CDF(0, 1, -z), 0, 1);
    }

    /// <summary>P(U ≥ u), from the number of ways to reach each U: the coefficients of the Gaussian binomial (m + n over m).</summary>
    private static double ExactUpperTail(int u, int m, int n)
    {
        var (few, many) = (Math.Min(m, n), Math.Max(m, n));
        var ways = new double[(few * many) + 1];
        ways[0] = 1;
        for (var i = 1; i <= few; i++)
        {
            // Times (1 − q^(many + i)), then divided by (1 − q^i).
            for (var k = ways.Length - 1; k >= many + i; k--)
            {
                ways[k] -= ways[k - many - i];
            }
            for (var k = i; k < ways.Length; k++)
            {
                ways[k] += ways[k - i];
            }
        }
        return ways.Take((few * many) - u + 1).Sum() / SpecialFunctions.Binomial(m + n, m);
    }
}

using MlOps.Drift.Profiles;

namespace MlOps.Drift.Statistics;

/// <summary>
/// Two-sided two-sample Kolmogorov-Smirnov test. The p-value is exact for up to 10,000 values a side (lattice paths that leave the band
/// between two diagonals, Hodges 1958) and that of the one-sample statistic at the harmonic size above, as in scipy's <c>ks_2samp</c>.
/// </summary>
internal static class KolmogorovSmirnov
{
    private const int MostValuesOfExact = 10_000;

    public static double PValue(ColumnPair pair)
    {
        long n1 = pair.Reference.Count, n2 = pair.Current.Count;
        var statistic = CumulativeWalk.Of(pair).Max(step => Math.Abs(((double)step.Reference / n1) - ((double)step.Current / n2)));
        if (Math.Max(n1, n2) <= MostValuesOfExact && Exact((int)n1, (int)n2, statistic) is >= 0 and <= 1 and var exact)
        {
            return exact;
        }
        var harmonic = (double)n1 * n2 / ((double)n1 + n2);
        return Math.Clamp(KolmogorovDistribution.UpperTail((long)Math.Round(harmonic, MidpointRounding.ToEven), statistic), 0, 1);
    }

    private static double Exact(int n1, int n2, double statistic)
    {
        var divisor = GreatestCommonDivisor(n1, n2);
        var multiple = (long)(n1 / divisor) * n2;
        var h = (long)Math.Round(statistic * multiple, MidpointRounding.ToEven);
        return h == 0 ? 1 : n1 == n2 ? OutsideSquare(n1, (int)h) : OutsideBand(n1, n2, divisor, h);
    }

    /// <summary>Share of paths from (0, 0) to (n, n) that leave the band |x − y| &lt; h, by reflection.</summary>
    private static double OutsideSquare(int n, int h)
    {
        var p = 0.0;
        for (var k = n / h; k >= 0; k--)
        {
            var product = 1.0;
            for (var j = 0; j < h; j++)
            {
                product = (n - ((long)k * h) - j) * product / (n + ((long)k * h) + j + 1);
            }
            p = product * (1 - p);
        }
        return 2 * p;
    }

    /// <summary>Share of paths from (0, 0) to (m, n) that leave the band |n·x − m·y| &lt; h·divisor, column by column over the band alone.</summary>
    private static double OutsideBand(int first, int second, int divisor, long h)
    {
        var (m, n) = (Math.Max(first, second), Math.Min(first, second));
        long mg = m / divisor, ng = n / divisor;
        long low = 0, high = Math.Min(DivideUp(h, mg), n + 1), length = high;
        var share = new double[Math.Min((2 * high) + 2, n + 1)];
        Array.Fill(share, 1.0);
        Array.Clear(share, 0, (int)high);
        for (long i = 1; i <= m; i++)
        {
            var (lastLow, lastLength) = (low, length);
            low = Math.Min(Math.Max(DivideDown((ng * i) - h, mg) + 1, 0), n);
            high = Math.Min(DivideUp((ng * i) + h, mg), n + 1);
            if (high <= low)
            {
                return 1;
            }
            // Below the band every path has left it; at 0 there is no below, and no weight.
            var value = 1.0;
            for (var j = low; j < high; j++)
            {
                value = ((share[j - lastLow] * i) + (value * j)) / (i + j);
                share[j - low] = value;
            }
            length = high - low;
            for (var j = length; j < lastLength; j++)
            {
                share[j] = 1;
            }
        }
        return share[length - 1];
    }

    private static int GreatestCommonDivisor(int a, int b) => b == 0 ? a : GreatestCommonDivisor(b, a % b);

    private static long DivideDown(long a, long b) => (a / b) - (a % b < 0 ? 1 : 0);

    private static long DivideUp(long a, long b) => -DivideDown(-a, b);
}

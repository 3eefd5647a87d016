using MathNet.Numerics.Distributions;
using MlOps.Drift.Profiles;

namespace MlOps.Drift.Statistics;

/// <summary>Two-sided z-test of two proportions: the share of values other than the first in sort order.</summary>
internal static class ProportionZ
{
    public static double PValue(ColumnPair pair)
    {
        var (reference, current) = pair.AlignCounts();
        if (reference.Length == 1)
        {
            return 1;
        }
        double n1 = pair.Reference.Count, n2 = pair.Current.Count;
        var p1 = 1 - (reference[0] / n1);
        var p2 = 1 - (current[0] / n2);
        var pooled = ((p1 * n1) + (p2 * n2)) / (n1 + n2);
        var z = (p1 - p2) / Math.Sqrt(pooled * (1 - pooled) * ((1 / n1) + (1 / n2)));
        return 2 * (1 - Normal.CDF(0, 1, Math.Abs(z)));
    }
}

using MathNet.Numerics;
using MlOps.Drift.Profiles;

namespace MlOps.Drift.Statistics;

/// <summary>
/// Student's two-sided t-test of equal means, variances pooled. Two constants have no variance to judge by, and the p-value is undefined
/// where they are equal: it is 1 here (no sign of a change), 0 where they differ.
/// </summary>
internal static class StudentTTest
{
    public static double PValue(ColumnPair pair)
    {
        var (a, b) = (pair.ReferenceNumbers, pair.CurrentNumbers);
        double freedom = a.Count + b.Count - 2;
        var difference = a.Mean - b.Mean;
        var pooled = (a.SquaredDeviations + b.SquaredDeviations) / freedom;
        if (!(pooled > 0))
        {
            return difference == 0 || freedom < 1 ? 1 : 0;
        }
        var t = difference / Math.Sqrt(pooled * ((1.0 / a.Count) + (1.0 / b.Count)));
        return SpecialFunctions.BetaRegularized(freedom / 2, 0.5, freedom / (freedom + (t * t)));
    }
}

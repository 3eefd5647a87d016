using MathNet.Numerics;
using MlOps.Drift.Profiles;

namespace MlOps.Drift.Statistics;

/// <summary>Pearson's chi-square test of the current counts against the reference's shares.</summary>
internal static class ChiSquare
{
    public static double PValue(ColumnPair pair)
    {
        var (reference, current) = pair.AlignCounts();
        var scale = (double)pair.Current.Count / pair.Reference.Count;
        var statistic = 0.0;
        for (var i = 0; i < reference.Length; i++)
        {
            var expected = reference[i] * scale;
            statistic += (current[i] - expected) * (current[i] - expected) / expected;
        }
        return reference.Length == 1 ? 1 : UpperTail(statistic, reference.Length - 1);
    }

    private static double UpperTail(double statistic, int freedom) =>
        double.IsPositiveInfinity(statistic) ? 0 : SpecialFunctions.GammaUpperRegularized(freedom / 2.0, statistic / 2);
}

using MlOps.Drift.Profiles;

namespace MlOps.Drift.Statistics;

/// <summary>First Wasserstein distance (how far values moved, on average) in standard deviations of the reference.</summary>
internal static class Wasserstein
{
    /// <summary>Stands for the deviation of a (nearly) constant reference.</summary>
    private const double SmallestNorm = 0.001;

    public static double Distance(ColumnPair pair)
    {
        var (reference, current) = (pair.ReferenceNumbers, pair.CurrentNumbers);
        var distance = 0.0;
        foreach (var step in CumulativeWalk.Of(pair))
        {
            distance += Math.Abs(((double)step.Reference / reference.Count) - ((double)step.Current / current.Count)) * (step.Next - step.Value);
        }
        return distance / Math.Max(Math.Sqrt(reference.SquaredDeviations / reference.Count), SmallestNorm);
    }
}

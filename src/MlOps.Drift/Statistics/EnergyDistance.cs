using MlOps.Drift.Profiles;

namespace MlOps.Drift.Statistics;

/// <summary>Energy distance (Székely, 2002): √2 times the L2 distance of the distribution functions, in the root of the column's unit.</summary>
internal static class EnergyDistance
{
    public static double Distance(ColumnPair pair)
    {
        var squares = 0.0;
        foreach (var step in CumulativeWalk.Of(pair))
        {
            var difference = ((double)step.Reference / pair.Reference.Count) - ((double)step.Current / pair.Current.Count);
            squares += difference * difference * (step.Next - step.Value);
        }
        return Math.Sqrt(2 * squares);
    }
}

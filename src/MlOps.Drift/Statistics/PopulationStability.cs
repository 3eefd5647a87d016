using MlOps.Drift.Profiles;

namespace MlOps.Drift.Statistics;

/// <summary>Population stability index: Σ (p − q) ln(p / q); empty bins are filled.</summary>
internal static class PopulationStability
{
    public static double Index(ColumnPair pair)
    {
        var (reference, current) = Shares.Filled(pair);
        return reference.Zip(current, (p, q) => (p - q) * Math.Log(p / q)).Sum();
    }
}

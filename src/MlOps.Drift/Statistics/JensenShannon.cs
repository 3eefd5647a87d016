using MlOps.Drift.Profiles;

namespace MlOps.Drift.Statistics;

/// <summary>Jensen-Shannon distance: the root of the mean relative entropy to the mixture of both sides, in nats; at most √ln 2 ≈ 0.83.</summary>
internal static class JensenShannon
{
    public static double Distance(ColumnPair pair)
    {
        var (reference, current) = Shares.Of(pair);
        var entropy = 0.0;
        for (var i = 0; i < reference.Length; i++)
        {
            var mixture = (reference[i] + current[i]) / 2;
            entropy += Shares.RelativeEntropy(reference[i], mixture) + Shares.RelativeEntropy(current[i], mixture);
        }
        return Math.Sqrt(Math.Max(0, entropy) / 2);
    }
}

using MlOps.Drift.Profiles;

namespace MlOps.Drift.Statistics;

/// <summary>Kullback-Leibler divergence of the reference from the current side, in nats; empty bins are filled and both sides normed again.</summary>
internal static class KullbackLeibler
{
    public static double Divergence(ColumnPair pair)
    {
        var (reference, current) = Shares.Filled(pair);
        double all = reference.Sum(), now = current.Sum();
        return reference.Zip(current, (p, q) => Shares.RelativeEntropy(p / all, q / now)).Sum();
    }
}

using MlOps.Drift.Profiles;

namespace MlOps.Drift.Statistics;

/// <summary>Hellinger distance, 0 to 1. Numbers are binned by Sturges' rule over the distinct values, not over the rows.</summary>
internal static class Hellinger
{
    public static double Distance(ColumnPair pair)
    {
        var (reference, current) = pair.IsNumeric ? Densities(pair) : Values(pair);
        var overlap = reference.Zip(current, (p, q) => Math.Sqrt(p * q)).Sum();
        return Math.Sqrt(1 - Math.Clamp(overlap, 0, 1));
    }

    private static (double[] Reference, double[] Current) Values(ColumnPair pair)
    {
        var (reference, current) = pair.AlignCounts();
        return ([.. reference.Select(count => (double)count / pair.Reference.Count)], [.. current.Select(count => (double)count / pair.Current.Count)]);
    }

    private static (double[] Reference, double[] Current) Densities(ColumnPair pair)
    {
        var (a, b) = (pair.ReferenceNumbers, pair.CurrentNumbers);
        var edges = Histogram.SturgesEdges(Math.Min(a.Min, b.Min), Math.Max(a.Max, b.Max), pair.CountDistinct());
        return ([.. Histogram.Counts(a, edges).Select(count => count / a.Count)], [.. Histogram.Counts(b, edges).Select(count => count / b.Count)]);
    }
}

using System.Globalization;
using MlOps.Drift.Profiles;

namespace MlOps.Drift;

/// <summary>Reduces both sides of a column to the few bins of a picture.</summary>
internal static class DistributionChart
{
    private const int Bins = 24;
    private const int MostCategories = 12;
    private const int LongestLabel = 40;
    private const int ShareDigits = 5;

    public static DriftDistribution Of(ColumnPair pair) =>
        pair.IsNumeric ? Numbers(pair.ReferenceNumbers, pair.CurrentNumbers) : Categories((CategoryProfile)pair.Reference, (CategoryProfile)pair.Current);

    /// <summary>Bins over the middle of both sides: the outermost two hundredths of each share the first and last bin.</summary>
    private static DriftDistribution Numbers(NumericProfile reference, NumericProfile current)
    {
        const double Tail = 0.005;
        var low = Math.Min(Quantile(reference, Tail), Quantile(current, Tail));
        var high = Math.Max(Quantile(reference, 1 - Tail), Quantile(current, 1 - Tail));
        if (!(high > low))
        {
            (low, high) = (low - 0.5, high + 0.5);
        }
        var edges = Enumerable.Range(0, Bins + 1).Select(i => low + ((high - low) * i / Bins)).ToArray();
        return new DriftDistribution(
            [.. edges.Select(edge => edge.ToString("G5", CultureInfo.InvariantCulture))],
            Shares(Histogram.Counts(reference, edges), reference.Count),
            Shares(Histogram.Counts(current, edges), current.Count));
    }

    private static DriftDistribution Categories(CategoryProfile reference, CategoryProfile current)
    {
        var keys = reference.Counts.Keys.Union(current.Counts.Keys, StringComparer.Ordinal)
            .OrderByDescending(key => Math.Max(ShareOf(reference, key), ShareOf(current, key))).ThenBy(key => key, StringComparer.Ordinal).Take(MostCategories)
                .ToList();
        var (shown, now) = (keys.Select(key => ShareOf(reference, key)).ToList(), keys.Select(key => ShareOf(current, key)).ToList());
        var (restThen, restNow) = (Math.Max(0, 1 - shown.Sum()), Math.Max(0, 1 - now.Sum()));
        const double Nothing = 1e-6;
        if (restThen > Nothing || restNow > Nothing)
        {
            keys.Add("all others");
            shown.Add(restThen);
            now.Add(restNow);
        }
        return new DriftDistribution([.. keys.Select(Shorten)], Round(shown), Round(now));
    }

    private static double Quantile(NumericProfile profile, double share)
    {
        var wanted = share * profile.Count;
        long seen = 0;
        for (var i = 0; i < profile.Values.Length; i++)
        {
            seen += profile.Counts[i];
            if (seen >= wanted)
            {
                return profile.Values[i];
            }
        }
        return profile.Values[^1];
    }

    private static double ShareOf(CategoryProfile profile, string key) => (double)profile.Counts.GetValueOrDefault(key) / profile.Count;

    private static string Shorten(string text) => text.Length <= LongestLabel ? text : string.Concat(text.AsSpan(0, LongestLabel), "…");

    private static IReadOnlyList<double> Shares(double[] counts, long total) => Round(counts.Select(count => count / total));

    private static IReadOnlyList<double> Round(IEnumerable<double> shares) => [.. shares.Select(share => Math.Round(share, ShareDigits))];
}

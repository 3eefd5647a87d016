namespace MlOps.Drift.Profiles;

/// <summary>Equal bins as numpy makes them, over both sides of a column.</summary>
internal static class Histogram
{
    /// <summary>Edges by Sturges' rule: bins of width range / (log2 n + 1), the first edge at the smallest value and the last at the largest.</summary>
    public static double[] SturgesEdges(double min, double max, long n)
    {
        var width = (max - min) / (Math.Log2(n) + 1);
        var (first, last) = min == max ? (min - 0.5, max + 0.5) : (min, max);
        var bins = width > 0 ? (int)Math.Ceiling((last - first) / width) : 1;
        var edges = new double[bins + 1];
        var step = (last - first) / bins;
        for (var i = 0; i < bins; i++)
        {
            edges[i] = (i * step) + first;
        }
        edges[bins] = last;
        return edges;
    }

    /// <summary>Values per bin; a bin holds its lower edge, the last one its upper edge too. Buckets of a profile that lie across an edge are
    /// divided.</summary>
    public static double[] Counts(NumericProfile profile, double[] edges)
    {
        var counts = new double[edges.Length - 1];
        var bin = 0;
        for (var i = 0; i < profile.Values.Length; i++)
        {
            if (profile.Buckets is { } buckets && buckets.Low[i] < buckets.High[i])
            {
                Spread(counts, edges, buckets.Low[i], buckets.High[i], profile.Counts[i]);
                continue;
            }
            while (bin < counts.Length - 1 && profile.Values[i] >= edges[bin + 1])
            {
                bin++;
            }
            counts[bin] += profile.Counts[i];
        }
        return counts;
    }

    private static void Spread(double[] counts, double[] edges, double low, double high, long count)
    {
        var first = Math.Clamp(Array.BinarySearch(edges, low) is var found && found >= 0 ? found : ~found - 1, 0, counts.Length - 1);
        for (var bin = first; bin < counts.Length && (bin == first || edges[bin] < high); bin++)
        {
            var from = bin == first ? low : edges[bin];
            var to = bin == counts.Length - 1 ? high : Math.Min(high, edges[bin + 1]);
            counts[bin] += count * (to - from) / (high - low);
        }
    }
}

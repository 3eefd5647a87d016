namespace MlOps.Drift.Profiles;

/// <summary>A place on the number line with the values at and below it.</summary>
/// <param name="Value">The place: a value that occurs on either side.</param>
/// <param name="Next">The next larger one; the same where there is none.</param>
/// <param name="Reference">Reference values up to and including it.</param>
/// <param name="Current">Current values up to and including it.</param>
internal readonly record struct CumulativeStep(double Value, double Next, long Reference, long Current);

/// <summary>Walks up both sides of a numeric column at once: what distances between distribution functions are sums over.</summary>
internal static class CumulativeWalk
{
    public static IEnumerable<CumulativeStep> Of(ColumnPair pair)
    {
        var (a, b) = (pair.ReferenceNumbers, pair.CurrentNumbers);
        int i = 0, j = 0;
        long x = 0, y = 0;
        while (Next(a, i, b, j) is { } value)
        {
            while (i < a.Values.Length && a.Values[i] == value)
            {
                x += a.Counts[i++];
            }
            while (j < b.Values.Length && b.Values[j] == value)
            {
                y += b.Counts[j++];
            }
            yield return new CumulativeStep(value, Next(a, i, b, j) ?? value, x, y);
        }
    }

    private static double? Next(NumericProfile a, int i, NumericProfile b, int j) => (i < a.Values.Length, j < b.Values.Length) switch
    {
        (true, true) => Math.Min(a.Values[i], b.Values[j]),
        (true, false) => a.Values[i],
        (false, true) => b.Values[j],
        _ => null,
    };
}

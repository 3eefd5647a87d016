namespace MlOps.Drift.Profiles;

/// <summary>Both sides of a column as shares of the same bins: of a histogram for numbers, else of the values themselves.</summary>
internal static class Shares
{
    /// <summary>A numeric column whose reference has at most this many values is compared value by value.</summary>
    private const int FewReferenceValues = 20;

    /// <summary>Stands for an empty bin, which logarithms cannot take.</summary>
    private const double AlmostNothing = 0.0001;

    public static (double[] Reference, double[] Current) Of(ColumnPair pair)
    {
        if (pair.IsNumeric && pair.ReferenceNumbers.Distinct > FewReferenceValues)
        {
            var (a, b) = (pair.ReferenceNumbers, pair.CurrentNumbers);
            var edges = Histogram.SturgesEdges(Math.Min(a.Min, b.Min), Math.Max(a.Max, b.Max), a.Count + b.Count);
            return (Divide(Histogram.Counts(a, edges), a.Count), Divide(Histogram.Counts(b, edges), b.Count));
        }
        var (reference, current) = pair.AlignCounts();
        return (Divide(reference, pair.Reference.Count), Divide(current, pair.Current.Count));
    }

    /// <summary>The same with empty bins filled: with 0.0001, or a millionth of the smallest share where that is no more than 0.0001.</summary>
    public static (double[] Reference, double[] Current) Filled(ColumnPair pair)
    {
        var (reference, current) = Of(pair);
        return (Fill(reference), Fill(current));
    }

    /// <summary>a · ln(a / b), which is 0 for a = 0.</summary>
    public static double RelativeEntropy(double a, double b) => a == 0 ? 0 : a * Math.Log(a / b);

    private static double[] Fill(double[] shares)
    {
        var smallest = shares.Where(share => share != 0).Min();
        var filling = smallest <= AlmostNothing ? smallest / 1e6 : AlmostNothing;
        return [.. shares.Select(share => share == 0 ? filling : share)];
    }

    private static double[] Divide(double[] counts, long total) => [.. counts.Select(count => count / total)];

    private static double[] Divide(long[] counts, long total) => [.. counts.Select(count => (double)count / total)];
}

namespace MlOps.Drift.Profiles;

/// <summary>The same column of two tables. Both sides have values.</summary>
public sealed record ColumnPair(ColumnProfile Reference, ColumnProfile Current)
{
    public bool IsNumeric => Reference is NumericProfile;

    public NumericProfile ReferenceNumbers => (NumericProfile)Reference;

    public NumericProfile CurrentNumbers => (NumericProfile)Current;

    /// <summary>Distinct values of both sides together; an upper bound where not every value was kept.</summary>
    public long CountDistinct()
    {
        if (IsNumeric && !(ReferenceNumbers.IsExact && CurrentNumbers.IsExact))
        {
            return ReferenceNumbers.Distinct + CurrentNumbers.Distinct;
        }
        return AlignCounts().Reference.Length;
    }

    /// <summary>How often each value occurs on either side, values ascending.</summary>
    public (long[] Reference, long[] Current) AlignCounts() => (Reference, Current) switch
    {
        (NumericProfile a, NumericProfile b) => Align(a, b),
        (CategoryProfile { IsExact: true } a, CategoryProfile { IsExact: true } b) => Align(a.Counts, b.Counts),
        (CategoryProfile a, CategoryProfile b) => Align(CategoryHash.Counts(a), CategoryHash.Counts(b)),
        _ => throw new InvalidOperationException("The sides are of different kinds."),
    };

    private static (long[], long[]) Align(NumericProfile a, NumericProfile b)
    {
        var left = new List<long>(a.Values.Length + b.Values.Length);
        var right = new List<long>(left.Capacity);
        for (int i = 0, j = 0; i < a.Values.Length || j < b.Values.Length;)
        {
            var value = j >= b.Values.Length || (i < a.Values.Length && a.Values[i] <= b.Values[j]) ? a.Values[i] : b.Values[j];
            long x = 0, y = 0;
            while (i < a.Values.Length && a.Values[i] == value)
            {
                x += a.Counts[i++];
            }
            while (j < b.Values.Length && b.Values[j] == value)
            {
                y += b.Counts[j++];
            }
            left.Add(x);
            right.Add(y);
        }
        return ([.. left], [.. right]);
    }

    private static (long[], long[]) Align(IReadOnlyDictionary<string, long> a, IReadOnlyDictionary<string, long> b)
    {
        var keys = a.Keys.Union(b.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        return ([.. keys.Select(key => a.GetValueOrDefault(key))], [.. keys.Select(key => b.GetValueOrDefault(key))]);
    }

    private static (long[], long[]) Align(long[] a, long[] b)
    {
        var occurring = Enumerable.Range(0, a.Length).Where(i => a[i] + b[i] > 0).ToList();
        return ([.. occurring.Select(i => a[i])], [.. occurring.Select(i => b[i])]);
    }
}

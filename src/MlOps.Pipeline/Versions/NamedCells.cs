namespace MlOps.Pipeline.Versions;

/// <summary>Rows as people read them.</summary>
internal static class NamedCells
{
    public static IReadOnlyList<IReadOnlyDictionary<string, object?>> Named(this IReadOnlyList<object?[]> rows, IReadOnlyList<string> names) =>
        [.. rows.Select(row => row.Named(names))];

    public static IReadOnlyDictionary<string, object?> Named(this object?[] row, IReadOnlyList<string> names)
    {
        var named = new Dictionary<string, object?>(StringComparer.Ordinal);
        for (var i = 0; i < names.Count; i++)
        {
            // What JSON has no number for.
            named[names[i]] = row[i] is double number && !double.IsFinite(number) ? number.ToString(System.Globalization.CultureInfo.InvariantCulture) : row[i];
        }
        return named;
    }
}

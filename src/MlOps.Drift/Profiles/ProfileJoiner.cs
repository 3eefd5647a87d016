namespace MlOps.Drift.Profiles;

/// <summary>Joins the profiles of a table's parts into the table's, one part at a time.</summary>
public sealed class ProfileJoiner
{
    private readonly Dictionary<string, (NumericSketch? Numbers, CategoryCounter? Categories)> columns;

    /// <param name="columns">The table's columns: their names, and whether they are profiled as numbers.</param>
    /// <param name="rows">Its rows.</param>
    public ProfileJoiner(IReadOnlyList<(string Name, bool IsNumeric)> columns, long rows)
    {
        var most = ProfileSize.EntriesOfColumn(columns.Count);
        this.columns = columns.ToDictionary(
            column => column.Name,
            column => column.IsNumeric ? (new NumericSketch(most, rows), default(CategoryCounter)) : (default(NumericSketch), new CategoryCounter(most)),
            StringComparer.Ordinal);
    }

    public void Add(TableProfile part)
    {
        foreach (var (name, profile) in part.Columns)
        {
            var (numbers, categories) = columns[name];
            numbers?.Add((NumericProfile)profile);
            categories?.Add((CategoryProfile)profile);
        }
    }

    public TableProfile Finish() => new(columns.ToDictionary(
        column => column.Key, column => column.Value.Numbers?.Finish() ?? (ColumnProfile)column.Value.Categories!.Finish(), StringComparer.Ordinal));
}

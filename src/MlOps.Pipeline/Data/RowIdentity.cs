using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Data;

/// <summary>Whether rows of a table can be told apart.</summary>
/// <param name="HasKey">A column has a value of its own in nearly every row: two equal rows are then one row twice.</param>
/// <param name="EqualShare">Share of rows that equal an earlier one, among those that were looked at.</param>
public sealed record RowIdentity(bool HasKey, double EqualShare)
{
    private const int MostRows = 10_000;
    private const int ColumnsAtOnce = 50;
    private const double NearlyEvery = 0.9;

    /// <summary>Looks at the first rows of a part.</summary>
    internal static RowIdentity Of(DuckDbSession session, string path, IReadOnlyList<DatasetColumn> columns)
    {
        var cells = columns.Select(column => Sql.Name(column.Name)).ToList();
        var from = $"(SELECT {string.Join(", ", cells)} FROM read_parquet({Sql.File(path)}) LIMIT {MostRows})";
        var hash = $"{RowHash.FunctionName}({string.Join(", ", cells)})";
        var counts = cells.Prepend(hash).Chunk(ColumnsAtOnce)
            .Select(some => Counts(session, $"SELECT count(*), {string.Join(", ", some.Select(cell => $"count(DISTINCT {cell})"))} FROM {from}"))
            .ToList();
        var rows = Math.Max(1, counts[0][0]);
        var hasKey = counts.SelectMany(some => some.Skip(1)).Skip(1).Any(different => different >= rows * NearlyEvery);
        return new RowIdentity(hasKey, 1 - ((double)counts[0][1] / rows));
    }

    private static IReadOnlyList<long> Counts(DuckDbSession session, string sql) =>
        [.. session.Rows(sql)[0].Select(value => Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture))];
}

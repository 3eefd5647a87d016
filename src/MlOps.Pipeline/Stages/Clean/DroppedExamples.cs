using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Stages.Clean;

/// <summary>Reads the first rows of a part that were dropped for a reason.</summary>
internal static class DroppedExamples
{
    /// <param name="session">The session.</param>
    /// <param name="fromSql">The part's rows with their <c>file_row_number</c>.</param>
    /// <param name="columns">The table's columns.</param>
    /// <param name="rows">The numbers of rows by reason, in the file's order.</param>
    public static IReadOnlyList<DroppedRows> Read(
        DuckDbSession session, string fromSql, IReadOnlyList<DatasetColumn> columns, IReadOnlyList<(string Reason, IReadOnlyList<long> Rows)> rows)
    {
        if (rows.Count == 0)
        {
            return [];
        }
        var names = columns.Select(column => column.Name).ToList();
        var shown = rows.Select(row => ShownOf(row.Reason, names)).ToList();
        var read = shown.SelectMany(column => column).Distinct(StringComparer.Ordinal).ToList();
        var cells = string.Join(", ", read.Select(column => $"left(CAST({Sql.Name(column)} AS VARCHAR), {DroppedRows.LongestCell + 1})"));
        var wanted = string.Join(", ", rows.SelectMany(row => row.Rows).Distinct().Order().Select(number => Sql.Number(number)));
        var found = session.Rows($"SELECT file_row_number, {cells} FROM {fromSql} WHERE file_row_number IN ({wanted})")
            .ToDictionary(row => (long)row[0]!, row => read.Zip(row.Skip(1)).ToDictionary(cell => cell.First, cell => DroppedRows.Cut((string?)cell.Second)));
        return
        [
            .. rows.Zip(shown).Select(reason => new DroppedRows(
                reason.First.Reason, reason.Second,
                [.. reason.First.Rows.Select(row => (IReadOnlyList<string?>)[.. reason.Second.Select(column => found[row][column])])])),
        ];
    }

    /// <summary>The first columns; of a wide table in any case the one that the reason names.</summary>
    private static IReadOnlyList<string> ShownOf(string reason, List<string> names)
    {
        var first = names.Take(DroppedRows.MostColumns).ToList();
        if (reason.Split(": ", 2) is [_, var column] && !first.Contains(column) && names.Contains(column))
        {
            first[^1] = column;
        }
        return first;
    }
}

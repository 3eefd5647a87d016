using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>
/// Writes a raw table as Parquet parts. Rows go to parts by their hash, so that equal rows meet in one part and each part can be cleaned
/// by itself; within a part they keep the file's order, so that the same file gives the same parts.
/// </summary>
internal static class PartWriter
{
    /// <summary>A part holds about this many rows: one fits well into the memory of a small worker.</summary>
    public const double RowsPerPart = 2_500_000;

    private const string PartColumn = "__part";

    public static IReadOnlyList<LocalPart> Write(DuckDbSession session, RawTable table, string folder)
    {
        var count = Math.Max(1, (int)Math.Ceiling(table.EstimatedRows / RowsPerPart));
        if (count == 1)
        {
            return [Copy(session, table.SelectSql, folder, 0)];
        }
        var hash = $"{RowHash.FunctionName}({string.Join(", ", table.Columns.Select(column => Sql.Name(column.Name)))})";
        session.Execute($"CREATE TEMP TABLE hashed AS SELECT *, ({hash} % {count})::INTEGER AS {PartColumn} FROM ({table.SelectSql})");
        var parts = Enumerable.Range(0, count).Select(part => Copy(session, $"SELECT * EXCLUDE ({PartColumn}) FROM hashed WHERE {PartColumn} = {part}", folder, part)).ToList();
        session.Execute("DROP TABLE hashed");
        return parts;
    }

    private static LocalPart Copy(DuckDbSession session, string query, string folder, int part)
    {
        var path = Path.Combine(folder, $"{part}.parquet");
        return new LocalPart(path, session.Copy(query, path));
    }
}

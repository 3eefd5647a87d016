using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>
/// Writes a raw table as Parquet parts. Rows go to parts by their hash, so that equal rows meet in one part and each part can be cleaned
/// by itself; within a part they keep the file's order, so that the same file gives the same parts.
/// </summary>
internal static class PartWriter
{
    private const string PartColumn = "__part";

    public static IReadOnlyList<LocalPart> Write(DuckDbSession session, RawTable table, int rowsPerPart, string folder)
    {
        var count = Math.Max(1, (int)Math.Ceiling((double)table.Rows / rowsPerPart));
        if (count == 1)
        {
            return [Copy(session, table.SelectSql, folder, 0)];
        }
        // Through a file, not a temporary table: a large table would not fit into memory.
        var whole = Path.Combine(folder, "whole.parquet");
        var hash = $"{RowHash.FunctionName}({string.Join(", ", table.Columns.Select(column => Sql.Name(column.Name)))})";
        session.Copy($"SELECT *, ({hash} % {count})::INTEGER AS {PartColumn} FROM ({table.SelectSql})", whole);
        var parts = Enumerable.Range(0, count).Select(part => Copy(
            session, $"SELECT * EXCLUDE ({PartColumn}) FROM read_parquet({Sql.File(whole)}) WHERE {PartColumn} = {part}", folder, part)).ToList();
        File.Delete(whole);
        return parts;
    }

    private static LocalPart Copy(DuckDbSession session, string query, string folder, int part)
    {
        var path = Path.Combine(folder, $"{part}.parquet");
        return new LocalPart(path, session.Copy(query, path));
    }
}

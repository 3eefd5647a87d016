using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Features;

/// <summary>
/// The first row of a file with something in a column, whichever side of the split it fell on: training rows do not keep their place in the file.
/// </summary>
/// <param name="Cell">What stands there.</param>
/// <param name="Line">The line on which the row starts.</param>
internal sealed record FirstInFile(string Cell, long Line)
{
    /// <param name="session">The session.</param>
    /// <param name="raw">The raw table, of one part, with the lines of its rows.</param>
    /// <param name="column">The column.</param>
    /// <param name="isWanted">What the row must be, in SQL.</param>
    /// <returns>Null where there is no such row, or its line is not known.</returns>
    public static FirstInFile? Find(DuckDbSession session, LocalTable raw, string column, string isWanted) => session.Rows(
        $"SELECT {Sql.Name(column)}::VARCHAR, file_row_number FROM read_parquet({Sql.Files(raw.Paths)}, file_row_number = true) "
            + $"WHERE {isWanted} ORDER BY file_row_number LIMIT 1") is [[string cell, long row]] && RowLines.Of(raw.Manifest, row) is { } line
        ? new FirstInFile(cell, line)
        : null;
}

using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Data;

/// <summary>Writes a dataset version as one file for other tools.</summary>
public sealed class DatasetExport(DatasetStore datasets, DuckDb duckDb)
{
    /// <param name="id">The version.</param>
    /// <param name="path">The file to write: <c>.csv</c> or <c>.parquet</c>.</param>
    /// <param name="cancel">Stops the export.</param>
    /// <returns>The number of rows.</returns>
    /// <exception cref="InputException">There is no such version, or the file's ending is another.</exception>
    public async Task<long> WriteAsync(string id, string path, CancellationToken cancel)
    {
        var (format, cell) = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".csv" => ("csv, header", (Func<DatasetColumn, string>)CsvSql),
            ".parquet" => ("parquet", column => Sql.Name(column.Name)),
            var other => throw new InputException($"The ending '{other}' is not known: name a .csv or a .parquet file."),
        };
        var table = await datasets.OpenAsync(await datasets.GetAsync(id, cancel), cancel);
        return await Task.Run(
            () =>
            {
                using var session = duckDb.Open(table.Manifest.Columns.Count, cancel);
                var cells = string.Join(", ", table.Manifest.Columns.Select(cell));
                session.Execute($"COPY (SELECT {cells} FROM {table.ToSql()}) TO {Sql.Text(path)} (FORMAT {format})");
                return table.Manifest.Rows;
            },
            cancel);
    }

    /// <summary>A whole number as people write it, 12 and not 12.0, as long as that is the very same number.</summary>
    private static string CsvSql(DatasetColumn column)
    {
        var name = Sql.Name(column.Name);
        return column.Type == StorageType.Double
            ? $"CASE WHEN {name} = trunc({name}) AND abs({name}) < 1e15 AND NOT ({name} = 0 AND signbit({name})) "
                + $"THEN {name}::BIGINT::VARCHAR ELSE {name}::VARCHAR END AS {name}"
            : name;
    }
}

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
        var format = Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".csv" => "csv, header",
            ".parquet" => "parquet",
            var other => throw new InputException($"The ending '{other}' is not known: name a .csv or a .parquet file."),
        };
        var table = await datasets.OpenAsync(await datasets.GetAsync(id, cancel), cancel);
        return await Task.Run(
            () =>
            {
                using var session = duckDb.Open(table.Manifest.Columns.Count, cancel);
                var cells = string.Join(", ", table.Manifest.Columns.Select(column => Sql.Name(column.Name)));
                session.Execute($"COPY (SELECT {cells} FROM {table.ToSql()}) TO {Sql.Text(path)} (FORMAT {format})");
                return table.Manifest.Rows;
            },
            cancel);
    }
}

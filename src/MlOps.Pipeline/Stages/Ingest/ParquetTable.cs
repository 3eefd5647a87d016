using DuckDB.NET.Data;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>Reads a Parquet file into the pipeline's column types.</summary>
internal static class ParquetTable
{
    private const int SampleRows = 20_000;

    /// <exception cref="InputException">The file is damaged or has no columns that can be used.</exception>
    public static RawTable Read(DuckDbSession session, string path, string name, PipelineDefinition definition)
    {
        try
        {
            return Describe(session, $"read_parquet({Sql.Text(path)})", name, definition);
        }
        catch (DuckDBException fault)
        {
            throw new InputException($"{name} cannot be read as Parquet: {fault.Message.Split('\n')[0]}", fault);
        }
    }

    private static RawTable Describe(DuckDbSession session, string source, string name, PipelineDefinition definition)
    {
        var warnings = new List<string>();
        var described = session.Rows($"DESCRIBE SELECT * FROM {source}").Select(row => (Name: (string)row[0]!, Type: (string)row[1]!)).ToList();
        var names = ColumnNames.Unique([.. described.Select(column => column.Name)], warnings);
        var columns = new List<DatasetColumn>();
        var values = new List<string>();
        for (var i = 0; i < described.Count; i++)
        {
            var (original, type) = described[i];
            var kind = definition.Columns.TryGetValue(names[i], out var rule) ? rule.Kind : null;
            if (StorageOf(type, kind) is not { } storage)
            {
                warnings.Add($"Column '{names[i]}' has the type {type}, which is not supported; it is left out.");
                continue;
            }
            var sniffed = kind is { } declared ? new SniffedColumn(storage, declared) : Sniff(session, source, original, names[i], type, storage);
            var column = new DatasetColumn(names[i], sniffed.Type, sniffed.Kind);
            values.Add($"TRY_CAST({Sql.Name(original)} AS {column.Type}) AS {Sql.Name(names[i])}");
            columns.Add(column);
        }
        if (columns.Count == 0)
        {
            throw new InputException($"{name} has no column of a supported type (numbers, booleans, dates, texts).");
        }
        var rows = session.Count($"SELECT count(*) FROM {source}");
        return new RawTable(columns, $"SELECT {string.Join(", ", values)} FROM {source}", MarksUnparseable: false, rows, warnings);
    }

    private static StorageType? StorageOf(string type, ColumnKind? declared) => type switch
    {
        _ when type.EndsWith(']') || type.StartsWith("STRUCT", StringComparison.Ordinal) || type.StartsWith("MAP", StringComparison.Ordinal)
            || type is "BLOB" or "INTERVAL" or "BIT" => null,
        _ when declared is { } kind => ColumnSniffer.TypeOf(kind),
        "BOOLEAN" => StorageType.Boolean,
        "FLOAT" or "DOUBLE" => StorageType.Double,
        _ when IsInteger(type) => StorageType.Double,
        _ when type.StartsWith("DECIMAL", StringComparison.Ordinal) => StorageType.Double,
        "DATE" or "DATETIME" => StorageType.Timestamp,
        _ when type.StartsWith("TIMESTAMP", StringComparison.Ordinal) => StorageType.Timestamp,
        _ => StorageType.Varchar,
    };

    private static bool IsInteger(string type) =>
        type is "TINYINT" or "SMALLINT" or "INTEGER" or "BIGINT" or "HUGEINT" or "UTINYINT" or "USMALLINT" or "UINTEGER" or "UBIGINT" or "UHUGEINT";

    private static SniffedColumn Sniff(DuckDbSession session, string source, string column, string name, string type, StorageType storage)
    {
        if (storage is StorageType.Boolean or StorageType.Timestamp)
        {
            return new SniffedColumn(storage, storage == StorageType.Boolean ? ColumnKind.Boolean : ColumnKind.Datetime);
        }
        if (storage == StorageType.Double && !IsInteger(type))
        {
            return new SniffedColumn(storage, ColumnKind.Numeric);
        }
        var cast = storage == StorageType.Double ? "BIGINT" : "VARCHAR";
        var cells = session.Rows($"SELECT TRY_CAST(v AS {cast}) FROM (SELECT {Sql.Name(column)} AS v FROM {source} LIMIT {SampleRows}) WHERE v IS NOT NULL")
            .Select(row => row[0]).ToList();
        return storage == StorageType.Double
            ? ColumnSniffer.OfIntegers(name, [.. cells.OfType<long>()])
            : new SniffedColumn(storage, cells.Count == 0 ? ColumnKind.Text : ColumnSniffer.KindOfText([.. cells.OfType<string>()]));
    }
}

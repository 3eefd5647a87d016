using DuckDB.NET.Data;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Models;
using MlOps.Pipeline.Orchestration;

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
            values.Add($"TRY_CAST({Sql.Name(original)} AS {SqlType(storage)}) AS {Sql.Name(names[i])}");
            columns.Add(new DatasetColumn(names[i], storage, kind ?? KindOf(session, source, original, names[i], storage)));
        }
        if (columns.Count == 0)
        {
            throw new InputException($"{name} has no column of a supported type (numbers, booleans, dates, texts).");
        }
        var rows = session.Count($"SELECT count(*) FROM {source}");
        return new RawTable(columns, $"SELECT {string.Join(", ", values)}, NULL::VARCHAR AS {ColumnNames.Unparseable} FROM {source}", rows, warnings);
    }

    private static StorageType? StorageOf(string type, ColumnKind? declared) => type switch
    {
        _ when type.EndsWith(']') || type.StartsWith("STRUCT", StringComparison.Ordinal) || type.StartsWith("MAP", StringComparison.Ordinal) || type is "BLOB" or "INTERVAL" or "BIT" => null,
        _ when declared is ColumnKind.Categorical or ColumnKind.Text => StorageType.Varchar,
        "BOOLEAN" => StorageType.Boolean,
        "TINYINT" or "SMALLINT" or "INTEGER" or "BIGINT" or "UTINYINT" or "USMALLINT" or "UINTEGER" => StorageType.Bigint,
        "FLOAT" or "DOUBLE" or "HUGEINT" or "UHUGEINT" or "UBIGINT" => StorageType.Double,
        _ when type.StartsWith("DECIMAL", StringComparison.Ordinal) => StorageType.Double,
        "DATE" or "DATETIME" => StorageType.Timestamp,
        _ when type.StartsWith("TIMESTAMP", StringComparison.Ordinal) => StorageType.Timestamp,
        _ => StorageType.Varchar,
    };

    private static string SqlType(StorageType type) => type switch
    {
        StorageType.Bigint => "BIGINT",
        StorageType.Double => "DOUBLE",
        StorageType.Boolean => "BOOLEAN",
        StorageType.Timestamp => "TIMESTAMP",
        _ => "VARCHAR",
    };

    private static ColumnKind KindOf(DuckDbSession session, string source, string column, string name, StorageType type)
    {
        if (type is StorageType.Double or StorageType.Boolean or StorageType.Timestamp)
        {
            return type switch { StorageType.Double => ColumnKind.Numeric, StorageType.Boolean => ColumnKind.Boolean, _ => ColumnKind.Datetime };
        }
        var cells = session.Rows($"SELECT TRY_CAST(v AS {SqlType(type)}) FROM (SELECT {Sql.Name(column)} AS v FROM {source} LIMIT {SampleRows}) WHERE v IS NOT NULL").Select(row => row[0]).ToList();
        return type == StorageType.Bigint
            ? ColumnSniffer.KindOfIntegers(name, [.. cells.OfType<long>()])
            : cells.Count == 0 ? ColumnKind.Text : ColumnSniffer.KindOfText([.. cells.OfType<string>()]);
    }
}

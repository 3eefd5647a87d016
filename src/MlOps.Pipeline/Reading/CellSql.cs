using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text;
using DuckDB.NET.Data;
using DuckDB.NET.Native;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Reading;

/// <summary><see cref="CellReader"/> as SQL functions of a text and a column's format: null where there is no value.</summary>
internal static class CellSql
{
    private const string NumberFunction = "read_number";
    private const string TimeFunction = "read_time";
    private const string BooleanFunction = "read_boolean";
    private const string UnreadableFunction = "is_unreadable";

    private static readonly ConcurrentDictionary<(StorageType, string), CellReader> Readers = new();

    /// <summary>The value of a cell that is text in SQL, as the column's type.</summary>
    public static string Of(string textSql, StorageType type, CellFormat? format)
    {
        var stored = Sql.Text(Json.Write(format ?? new CellFormat()));
        return type switch
        {
            StorageType.Double => $"{NumberFunction}({textSql}, {stored})",
            StorageType.Timestamp => $"{TimeFunction}({textSql}, {stored})",
            StorageType.Boolean => $"{BooleanFunction}({textSql}, {stored})",
            _ => TextOf(textSql, format),
        };
    }

    /// <summary>
    /// The value of a cell that is a double in SQL, as the type of a column that holds no texts: the number is what it is in every format.
    /// </summary>
    public static string OfNumber(string numberSql, StorageType type, CellFormat? format)
    {
        var value = type switch
        {
            StorageType.Double => numberSql,
            StorageType.Boolean => $"CASE {numberSql} WHEN 1 THEN true WHEN 0 THEN false END",
            _ => $"NULL::{type.ToString().ToUpperInvariant()}",
        };
        return UnlessMissing(value, numberSql, type, format);
    }

    /// <summary>A value, or null where the number that it is made of is declared to mean "no value".</summary>
    public static string UnlessMissing(string valueSql, string numberSql, StorageType type, CellFormat? format)
    {
        var missing = NullTexts.NumbersOf(type, format);
        return missing.Length == 0 ? valueSql : $"CASE WHEN {numberSql} IN ({string.Join(", ", missing.Select(Sql.Number))}) THEN NULL ELSE {valueSql} END";
    }

    /// <summary>True for a text that is neither a value of the column's type nor missing.</summary>
    public static string IsUnreadable(string textSql, StorageType type, CellFormat? format) =>
        $"{UnreadableFunction}({textSql}, {Sql.Text(Json.Write(format ?? new CellFormat()))}, {Sql.Text(type.ToString())})";

    public static void Register(DuckDBConnection connection)
    {
        DuckFunction.Register(connection, NumberFunction, [DuckDBType.Varchar, DuckDBType.Varchar], DuckDBType.Double, Numbers);
        DuckFunction.Register(connection, TimeFunction, [DuckDBType.Varchar, DuckDBType.Varchar], DuckDBType.Timestamp, Times);
        DuckFunction.Register(connection, BooleanFunction, [DuckDBType.Varchar, DuckDBType.Varchar], DuckDBType.Boolean, Booleans);
        DuckFunction.Register(
            connection, UnreadableFunction, [DuckDBType.Varchar, DuckDBType.Varchar, DuckDBType.Varchar], DuckDBType.Boolean, Unreadable);
    }

    /// <summary>A text stays as it is; DuckDB's own trim, over the same characters as the reader's, finds those that mean "no value".</summary>
    private static string TextOf(string textSql, CellFormat? format)
    {
        var nulls = format?.Nulls ?? NullTexts.Everywhere;
        var trimmed = $"trim({textSql}, {Sql.Text(CellText.Blanks)})";
        return $"CASE WHEN {Sql.NotIn(trimmed, nulls.Append("").Select(Sql.Text))} THEN {textSql} END";
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Numbers(ReadOnlySpan<DuckVector> inputs, ReadOnlySpan<DuckDBType> types, DuckVector output, int rows)
    {
        var reader = ReaderOf(StorageType.Double, inputs[1], rows);
        var results = output.Values<double>(rows);
        for (var i = 0; i < rows; i++)
        {
            if (inputs[0].IsNull(i) || reader.ReadNumber(inputs[0].Utf8(i), out results[i]) != CellState.Value)
            {
                output.SetNull(i);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Times(ReadOnlySpan<DuckVector> inputs, ReadOnlySpan<DuckDBType> types, DuckVector output, int rows)
    {
        var reader = ReaderOf(StorageType.Timestamp, inputs[1], rows);
        var results = output.Values<long>(rows);
        for (var i = 0; i < rows; i++)
        {
            if (inputs[0].IsNull(i) || reader.ReadTime(inputs[0].Utf8(i), out results[i]) != CellState.Value)
            {
                output.SetNull(i);
            }
        }
    }

    private static void Booleans(ReadOnlySpan<DuckVector> inputs, ReadOnlySpan<DuckDBType> types, DuckVector output, int rows)
    {
        var reader = ReaderOf(StorageType.Boolean, inputs[1], rows);
        var results = output.Values<bool>(rows);
        for (var i = 0; i < rows; i++)
        {
            if (inputs[0].IsNull(i) || reader.ReadBoolean(inputs[0].Utf8(i), out results[i]) != CellState.Value)
            {
                output.SetNull(i);
            }
        }
    }

    private static void Unreadable(ReadOnlySpan<DuckVector> inputs, ReadOnlySpan<DuckDBType> types, DuckVector output, int rows)
    {
        if (rows == 0)
        {
            return;
        }
        var type = Enum.Parse<StorageType>(Encoding.UTF8.GetString(inputs[2].Utf8(0)));
        var reader = ReaderOf(type, inputs[1], rows);
        var results = output.Values<bool>(rows);
        for (var i = 0; i < rows; i++)
        {
            results[i] = !inputs[0].IsNull(i) && reader.Read(type, inputs[0].Utf8(i)) == CellState.Unreadable;
        }
    }

    /// <summary>The format is a constant of the query: the first row has it.</summary>
    private static CellReader ReaderOf(StorageType type, DuckVector formats, int rows) => rows == 0
        ? new CellReader(type, null)
        : Readers.GetOrAdd(
            (type, Encoding.UTF8.GetString(formats.Utf8(0))), static key => new CellReader(key.Item1, Json.Read<CellFormat>(key.Item2)));
}

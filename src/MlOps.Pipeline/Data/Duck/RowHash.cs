using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using DuckDB.NET.Data;
using DuckDB.NET.Native;

namespace MlOps.Pipeline.Data.Duck;

/// <summary>
/// The SQL function <c>row_hash(cells…)</c>: XXH3 (64 bits) over a row's cells in a fixed byte form, so that a row has the same hash on
/// every machine and release, whatever engine computes it.
/// </summary>
/// <remarks>
/// Byte form of a cell, little-endian: null = 00; number = 01 and the bits of the IEEE double (−0 as 0); boolean = 02 and a byte;
/// timestamp = 03 and microseconds since 1970; text = 04, its length in bytes (32 bits) and its UTF-8.
/// </remarks>
internal static class RowHash
{
    public const string FunctionName = "row_hash";

    /// <summary>The column that carries the hash in every stored part.</summary>
    public const string ColumnName = "__row_hash";

    public static void Register(DuckDBConnection connection) => DuckFunction.Register(connection, FunctionName, parameters: null, DuckDBType.UnsignedBigInt, Compute);

    private static void Compute(ReadOnlySpan<DuckVector> inputs, ReadOnlySpan<DuckDBType> types, DuckVector output, int rows)
    {
        var hashes = output.Values<ulong>(rows);
        var row = new CellWriter();
        for (var i = 0; i < rows; i++)
        {
            row.Clear();
            for (var c = 0; c < inputs.Length; c++)
            {
                Append(row, inputs[c], types[c], i);
            }
            hashes[i] = XxHash3.HashToUInt64(row.Written);
        }
    }

    private static unsafe void Append(CellWriter row, DuckVector column, DuckDBType type, int i)
    {
        if (column.IsNull(i))
        {
            row.Tag(0);
            return;
        }
        switch (type)
        {
            case DuckDBType.Double:
                row.Number(column.Values<double>(i + 1)[i]);
                break;
            case DuckDBType.Boolean:
                row.Tag(2);
                row.Tag(column.Values<byte>(i + 1)[i]);
                break;
            case DuckDBType.Timestamp:
                row.Integer(3, column.Values<long>(i + 1)[i]);
                break;
            case DuckDBType.Varchar:
                row.Text(column.Utf8(i));
                break;
            default:
                throw new NotSupportedException($"row_hash has no byte form for a {type}.");
        }
    }

    private sealed class CellWriter
    {
        private readonly ArrayBufferWriter<byte> bytes = new(1024);

        public ReadOnlySpan<byte> Written => bytes.WrittenSpan;

        public void Clear() => bytes.ResetWrittenCount();

        public void Tag(byte tag)
        {
            bytes.GetSpan(1)[0] = tag;
            bytes.Advance(1);
        }

        public void Number(double value) => Integer(1, BitConverter.DoubleToInt64Bits(value == 0 ? 0 : value));

        public void Integer(byte tag, long value)
        {
            var span = bytes.GetSpan(9);
            span[0] = tag;
            BinaryPrimitives.WriteInt64LittleEndian(span[1..], value);
            bytes.Advance(9);
        }

        public void Text(ReadOnlySpan<byte> utf8)
        {
            var span = bytes.GetSpan(5 + utf8.Length);
            span[0] = 4;
            BinaryPrimitives.WriteInt32LittleEndian(span[1..], utf8.Length);
            utf8.CopyTo(span[5..]);
            bytes.Advance(5 + utf8.Length);
        }
    }
}

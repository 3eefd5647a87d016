using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.CompilerServices;
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

    /// <summary>The column that carries a row's hash from cleaning on.</summary>
    public const string ColumnName = "__row_hash";

    public static void Register(DuckDBConnection connection) =>
        DuckFunction.Register(connection, FunctionName, parameters: null, DuckDBType.UnsignedBigInt, Compute);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Compute(ReadOnlySpan<DuckVector> inputs, ReadOnlySpan<DuckDBType> types, DuckVector output, int rows)
    {
        var hashes = output.Values<ulong>(rows);
        var row = new CellWriter();
        for (var i = 0; i < rows; i++)
        {
            row.Clear();
            for (var c = 0; c < inputs.Length; c++)
            {
                var column = inputs[c];
                if (column.IsNull(i))
                {
                    row.Tag(0);
                    continue;
                }
                switch (types[c])
                {
                    case DuckDBType.Double:
                        var number = column.Values<double>(rows)[i];
                        row.Word(1, BitConverter.DoubleToInt64Bits(number == 0 ? 0 : number));
                        break;
                    case DuckDBType.Boolean:
                        row.Tag(2);
                        row.Tag(column.Values<byte>(rows)[i]);
                        break;
                    case DuckDBType.Timestamp:
                        row.Word(3, column.Values<long>(rows)[i]);
                        break;
                    case DuckDBType.Varchar:
                        row.Text(column.Utf8(i));
                        break;
                    default:
                        throw new NotSupportedException($"row_hash has no byte form for a {types[c]}.");
                }
            }
            hashes[i] = XxHash3.HashToUInt64(row.Written);
        }
    }

    /// <summary>Bytes of one row; the buffer grows to the longest row and stays.</summary>
    private sealed class CellWriter
    {
        private byte[] bytes = new byte[4096];
        private int length;

        public ReadOnlySpan<byte> Written => bytes.AsSpan(0, length);

        public void Clear() => length = 0;

        public void Tag(byte tag)
        {
            Reserve(1);
            bytes[length++] = tag;
        }

        public void Word(byte tag, long value)
        {
            Reserve(9);
            bytes[length] = tag;
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(length + 1), value);
            length += 9;
        }

        public void Text(ReadOnlySpan<byte> utf8)
        {
            Reserve(5 + utf8.Length);
            bytes[length] = 4;
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(length + 1), utf8.Length);
            utf8.CopyTo(bytes.AsSpan(length + 5));
            length += 5 + utf8.Length;
        }

        private void Reserve(int more)
        {
            if (bytes.Length - length < more)
            {
                Array.Resize(ref bytes, Math.Max(2 * bytes.Length, length + more));
            }
        }
    }
}

using System.Runtime.CompilerServices;
using DuckDB.NET.Data;
using DuckDB.NET.Native;

namespace MlOps.Pipeline.Data.Duck;

/// <summary>
/// Finds the first of equal rows among the valid rows of a file, and answers a SQL function of the row's number with the hash of such a row,
/// null for every other. A filter on it keeps the file's order, which a join or a window would not.
/// </summary>
internal sealed class FirstRows
{
    private readonly ulong[] hashes;
    private readonly bool[] isFirst;

    private FirstRows(int rows)
    {
        hashes = new ulong[rows];
        isFirst = new bool[rows];
    }

    /// <param name="session">The session.</param>
    /// <param name="fromSql">The file's rows, in order.</param>
    /// <param name="rows">Their number.</param>
    /// <param name="cells">The columns that make a row.</param>
    /// <param name="validSql">True for the rows that count.</param>
    public static FirstRows Find(DuckDbSession session, string fromSql, int rows, string cells, string validSql)
    {
        var found = new FirstRows(rows);
        // 64 bits of the row's own hash and 64 of the engine's make a chance collision impossible in practice; the latter is not stored, so
        // it may differ between releases.
        var seen = new HashSet<UInt128>();
        var row = 0;
        session.Stream($"SELECT {validSql}, {RowHash.FunctionName}({cells}), hash({cells}) FROM {fromSql}", (vectors, count) =>
        {
            var valid = vectors[0].Values<bool>(count);
            var own = vectors[1].Values<ulong>(count);
            var engine = vectors[2].Values<ulong>(count);
            for (var i = 0; i < count; i++, row++)
            {
                found.hashes[row] = own[i];
                found.isFirst[row] = valid[i] && !vectors[0].IsNull(i) && seen.Add(new UInt128(own[i], engine[i]));
            }
        });
        return found;
    }

    public void Register(DuckDBConnection connection, string functionName) => DuckFunction.Register(connection, functionName, [DuckDBType.BigInt], DuckDBType.UnsignedBigInt, Compute);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Compute(ReadOnlySpan<DuckVector> inputs, ReadOnlySpan<DuckDBType> types, DuckVector output, int rows)
    {
        var numbers = inputs[0].Values<long>(rows);
        var results = output.Values<ulong>(rows);
        for (var i = 0; i < rows; i++)
        {
            results[i] = hashes[numbers[i]];
            if (!isFirst[numbers[i]])
            {
                output.SetNull(i);
            }
        }
    }
}

using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using DuckDB.NET.Data;
using DuckDB.NET.Native;

namespace MlOps.Pipeline.Data.Duck;

/// <summary>
/// Finds the first of equal rows among the valid rows of a file. The SQL function <c>first_row_hash(token, file_row_number)</c> answers with
/// the hash of such a row, null for every other: a filter on it keeps the file's order, which a join or a window would not.
/// </summary>
internal sealed class FirstRows : IDisposable
{
    public const string FunctionName = "first_row_hash";

    private static readonly ConcurrentDictionary<long, FirstRows> InUse = new();
    private static long lastToken;

    private readonly long token = Interlocked.Increment(ref lastToken);
    private readonly ulong[] hashes;
    private readonly bool[] counts;
    private readonly bool[] isFirst;
    private long duplicates;

    private FirstRows(int rows, int reasons)
    {
        hashes = new ulong[rows];
        counts = new bool[rows];
        isFirst = new bool[rows];
        RowsByReason = new long[reasons];
        InUse[token] = this;
    }

    /// <summary>Rows that do not count, by the index of the reason.</summary>
    public long[] RowsByReason { get; }

    /// <summary>Rows that count but equal an earlier one.</summary>
    public long Duplicates => duplicates;

    /// <param name="session">The session.</param>
    /// <param name="fromSql">The file's rows, in order, with their <c>file_row_number</c>.</param>
    /// <param name="rows">Their number.</param>
    /// <param name="cells">The columns that make a row.</param>
    /// <param name="reasonSql">Index of the reason why a row does not count; negative for a row that does.</param>
    /// <param name="reasons">Number of reasons.</param>
    /// <param name="threads">Threads to compare on.</param>
    public static FirstRows Find(DuckDbSession session, string fromSql, int rows, string cells, string reasonSql, int reasons, int threads)
    {
        var found = new FirstRows(rows, reasons);
        var others = new ulong[rows];
        session.Read($"SELECT {reasonSql}, {RowHash.FunctionName}({cells}), hash({cells}), file_row_number FROM {fromSql}", (vectors, count) => found.Read(vectors, count, others));
        found.Compare(others, threads);
        return found;
    }

    /// <summary>A call of the function for these rows.</summary>
    public string HashSql(string rowNumberSql) => $"{FunctionName}({Sql.Number(token)}::BIGINT, {rowNumberSql})";

    public static void Register(DuckDBConnection connection) =>
        DuckFunction.Register(connection, FunctionName, [DuckDBType.BigInt, DuckDBType.BigInt], DuckDBType.UnsignedBigInt, Compute);

    public void Dispose() => InUse.TryRemove(token, out _);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Compute(ReadOnlySpan<DuckVector> inputs, ReadOnlySpan<DuckDBType> types, DuckVector output, int rows)
    {
        var found = InUse[inputs[0].Values<long>(rows)[0]];
        var numbers = inputs[1].Values<long>(rows);
        var results = output.Values<ulong>(rows);
        for (var i = 0; i < rows; i++)
        {
            results[i] = found.hashes[numbers[i]];
            if (!found.isFirst[numbers[i]])
            {
                output.SetNull(i);
            }
        }
    }

    private void Read(DuckVector[] vectors, int count, ulong[] others)
    {
        var reasons = vectors[0].Values<int>(count);
        var own = vectors[1].Values<ulong>(count);
        var engine = vectors[2].Values<ulong>(count);
        var numbers = vectors[3].Values<long>(count);
        for (var i = 0; i < count; i++)
        {
            hashes[numbers[i]] = own[i];
            others[numbers[i]] = engine[i];
            counts[numbers[i]] = reasons[i] < 0;
            if (reasons[i] >= 0)
            {
                RowsByReason[reasons[i]]++;
            }
        }
    }

    /// <summary>Equal rows have equal hashes: rows of different residues are compared apart, side by side.</summary>
    /// <param name="others">64 more bits a row: with the row's own hash they make a chance collision impossible in practice. They are not stored, so they may differ between releases.</param>
    /// <param name="threads">Threads to compare on.</param>
    private void Compare(ulong[] others, int threads)
    {
        Parallel.For(0, threads, share =>
        {
            var seen = new HashSet<UInt128>(hashes.Length / threads, new HashedAlready());
            Interlocked.Add(ref duplicates, Compare(others, (ulong)share, (ulong)threads, seen));
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private long Compare(ulong[] others, ulong share, ulong shares, HashSet<UInt128> seen)
    {
        var again = 0L;
        for (var row = 0; row < hashes.Length; row++)
        {
            if (!counts[row] || hashes[row] % shares != share)
            {
                continue;
            }
            if (seen.Add(new UInt128(hashes[row], others[row])))
            {
                isFirst[row] = true;
            }
            else
            {
                again++;
            }
        }
        return again;
    }

    /// <summary>The values are hashes: a part of one is as good as a hash of it.</summary>
    private sealed class HashedAlready : IEqualityComparer<UInt128>
    {
        public bool Equals(UInt128 x, UInt128 y) => x == y;

        public int GetHashCode(UInt128 value) => (int)(ulong)value;
    }
}

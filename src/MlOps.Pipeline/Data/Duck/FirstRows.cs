using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DuckDB.NET.Data;
using DuckDB.NET.Native;

namespace MlOps.Pipeline.Data.Duck;

/// <summary>
/// Finds the first of equal rows among the valid rows of a file. The SQL function <c>first_row_hash(token, file_row_number)</c> answers with
/// the hash of such a row's key, null for every other: a filter on it keeps the file's order, which a join or a window would not. Where equal rows
/// are kept, each has a hash of its own: of its key and how many equal ones stand before it.
/// </summary>
/// <remarks>The rows come in by a function too, <c>note_row</c>: the engine calls it on all its threads, where a result would be read on one.</remarks>
internal sealed class FirstRows : IDisposable
{
    private const string FirstFunction = "first_row_hash";
    private const string NoteFunction = "note_row";

    private static readonly ConcurrentDictionary<long, FirstRows> InUse = new();
    private static long lastToken;

    private readonly long token = Interlocked.Increment(ref lastToken);
    private readonly ulong[] hashes;
    private readonly ulong[] others;
    private readonly ulong[] keys;
    private readonly bool[] counts;
    private readonly bool[] isFirst;
    private readonly LeastNumbers[] firstByReason;
    private long duplicates;
    private int firstEqual = int.MaxValue;

    private FirstRows(int rows, int reasons)
    {
        hashes = new ulong[rows];
        others = new ulong[rows];
        keys = new ulong[rows];
        counts = new bool[rows];
        isFirst = new bool[rows];
        RowsByReason = new long[reasons];
        firstByReason = [.. Enumerable.Range(0, reasons).Select(_ => new LeastNumbers(DroppedRows.MostRows))];
        InUse[token] = this;
    }

    /// <summary>Rows that do not count, by the index of the reason.</summary>
    public long[] RowsByReason { get; }

    /// <summary>Rows that count but equal an earlier one, kept or not.</summary>
    public long Duplicates => duplicates;

    /// <summary>The number of the first of these; null: there is none.</summary>
    public long? FirstEqual => firstEqual == int.MaxValue ? null : firstEqual;

    /// <summary>The numbers of the first rows that do not count for a reason, at most <see cref="DroppedRows.MostRows"/>.</summary>
    public IReadOnlyList<long> FirstOf(int reason) => firstByReason[reason].Numbers;

    /// <summary>The numbers of the first rows that count and equal an earlier one, at most <see cref="DroppedRows.MostRows"/>.</summary>
    public IReadOnlyList<long> FirstDuplicates() =>
        [.. Enumerable.Range(0, counts.Length).Where(row => counts[row] && !isFirst[row]).Take(DroppedRows.MostRows).Select(row => (long)row)];

    private string Token => $"{Sql.Number(token)}::BIGINT";

    /// <param name="session">The session.</param>
    /// <param name="query">The rows.</param>
    /// <param name="threads">Threads to compare on.</param>
    public static FirstRows Find(DuckDbSession session, Query query, int threads)
    {
        var found = new FirstRows(query.Rows, query.Reasons);
        try
        {
            found.NoteAll(session, query);
            found.Compare(threads, query.KeepEqual);
            return found;
        }
        catch
        {
            found.Dispose();
            throw;
        }
    }

    /// <summary>A call of the function for these rows.</summary>
    public string HashSql(string rowNumberSql) => $"{FirstFunction}({Token}, {rowNumberSql})";

    public static void Register(DuckDBConnection connection)
    {
        DuckFunction.Register(
            connection, NoteFunction,
            [DuckDBType.BigInt, DuckDBType.BigInt, DuckDBType.UnsignedBigInt, DuckDBType.UnsignedBigInt, DuckDBType.Integer, DuckDBType.UnsignedBigInt],
            DuckDBType.Integer, Note);
        DuckFunction.Register(connection, FirstFunction, [DuckDBType.BigInt, DuckDBType.BigInt], DuckDBType.UnsignedBigInt, First);
    }

    public void Dispose() => InUse.TryRemove(token, out _);

    private void NoteAll(DuckDbSession session, Query query)
    {
        var (cells, key) = (query.Cells, query.Key);
        var note = $"{NoteFunction}({Token}, file_row_number, {RowHash.FunctionName}({cells}), hash({cells}), {query.ReasonSql}, "
            + $"{RowHash.FunctionName}({key}))";
        foreach (var row in session.Rows($"SELECT {note}, count(*) FROM {query.FromSql} GROUP BY 1"))
        {
            var reason = (int)row[0]!;
            if (reason >= 0)
            {
                RowsByReason[reason] = (long)row[1]!;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Note(ReadOnlySpan<DuckVector> inputs, ReadOnlySpan<DuckDBType> types, DuckVector output, int rows)
    {
        var found = InUse[inputs[0].Values<long>(rows)[0]];
        var numbers = inputs[1].Values<long>(rows);
        var own = inputs[2].Values<ulong>(rows);
        var engine = inputs[3].Values<ulong>(rows);
        var reasons = inputs[4].Values<int>(rows);
        var keys = inputs[5].Values<ulong>(rows);
        for (var i = 0; i < rows; i++)
        {
            found.hashes[numbers[i]] = own[i];
            found.others[numbers[i]] = engine[i];
            found.keys[numbers[i]] = keys[i];
            found.counts[numbers[i]] = reasons[i] < 0;
            if (reasons[i] >= 0)
            {
                found.firstByReason[reasons[i]].Offer(numbers[i]);
            }
        }
        reasons.CopyTo(output.Values<int>(rows));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void First(ReadOnlySpan<DuckVector> inputs, ReadOnlySpan<DuckDBType> types, DuckVector output, int rows)
    {
        var found = InUse[inputs[0].Values<long>(rows)[0]];
        var numbers = inputs[1].Values<long>(rows);
        var results = output.Values<ulong>(rows);
        for (var i = 0; i < rows; i++)
        {
            results[i] = found.keys[numbers[i]];
            if (!found.isFirst[numbers[i]])
            {
                output.SetNull(i);
            }
        }
    }

    /// <summary>Equal rows have equal hashes: rows of different residues are compared apart, side by side.</summary>
    private void Compare(int threads, bool keepEqual)
    {
        Parallel.For(0, threads, share =>
        {
            var seen = new Dictionary<int, int>(hashes.Length / threads, new SameHashes(hashes, others));
            Interlocked.Add(ref duplicates, Compare((ulong)share, (ulong)threads, seen, keepEqual));
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private long Compare(ulong share, ulong shares, Dictionary<int, int> seen, bool keepEqual)
    {
        var again = 0L;
        for (var row = 0; row < hashes.Length; row++)
        {
            if (!counts[row] || hashes[row] % shares != share)
            {
                continue;
            }
            ref var before = ref CollectionsMarshal.GetValueRefOrAddDefault(seen, row, out var isEqual);
            before++;
            if (isEqual && again++ == 0)
            {
                Offer(row);
            }
            isFirst[row] = !isEqual || keepEqual;
            if (isEqual && keepEqual)
            {
                // Equal rows are different things: they need not fall on one side of a split.
                keys[row] += (ulong)before * 0x9E3779B97F4A7C15UL;
            }
        }
        return again;
    }

    private void Offer(int equal)
    {
        lock (hashes)
        {
            firstEqual = Math.Min(firstEqual, equal);
        }
    }

    /// <summary>Compares rows by both their hashes: 128 bits make a chance collision impossible in practice.</summary>
    /// <param name="hashes">By row number.</param>
    /// <param name="others">The engine's own hash, which is not stored and may differ between releases.</param>
    private sealed class SameHashes(ulong[] hashes, ulong[] others) : IEqualityComparer<int>
    {
        public bool Equals(int x, int y) => hashes[x] == hashes[y] && others[x] == others[y];

        public int GetHashCode(int row) => (int)hashes[row];
    }

    /// <summary>Rows of a file, and what makes them equal or leaves them out.</summary>
    /// <param name="FromSql">The file's rows with their <c>file_row_number</c>.</param>
    /// <param name="Rows">Their number.</param>
    /// <param name="Cells">The columns that make a row.</param>
    /// <param name="Key">The columns that the row's hash is made of.</param>
    internal sealed record Query(string FromSql, int Rows, string Cells, string Key)
    {
        /// <summary>Whether rows that equal an earlier one count as first ones too.</summary>
        public bool KeepEqual { get; init; }

        /// <summary>Index of the reason why a row does not count; negative for a row that does.</summary>
        public string ReasonSql { get; init; } = "-1::INTEGER";

        /// <summary>Number of reasons.</summary>
        public int Reasons { get; init; }
    }
}

using MlOps.Drift.Profiles;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Profiling;

/// <summary>
/// Profiles a table of any size in constant memory: each thread streams a batch of columns at a time, so that the batch, not the table,
/// decides what is held.
/// </summary>
public sealed class TableProfiler(DuckDb duckDb, PipelineOptions options)
{
    /// <summary>Columns of a batch of a table of many rows.</summary>
    private const int LargestBatch = 32;

    /// <summary>Cells that a batch of a short table may have: each batch reads the file's directory of columns anew, which costs more than few rows.</summary>
    private const int SmallBatch = 1_000_000;

    /// <param name="table">The rows.</param>
    /// <param name="columns">What to profile.</param>
    /// <param name="progress">Told the number of columns just done; never from two threads at once.</param>
    /// <param name="cancel">Stops the reading.</param>
    public async Task<TableProfile> ProfileAsync(LocalTable table, IReadOnlyList<ProfiledColumn> columns, Func<int, Task> progress, CancellationToken cancel) =>
        (await ReadAsync(table, ("false", ""), columns, progress, cancel)).First;

    /// <summary>Profiles both sides of a split while reading the table once.</summary>
    /// <param name="table">All rows.</param>
    /// <param name="second">The rows of the second side; the others, but for test rows and those that no sample took, are the first.</param>
    /// <param name="columns">What to profile.</param>
    /// <param name="progress">Told the number of columns just done, each side's counted; never from two threads at once.</param>
    /// <param name="cancel">Stops the reading.</param>
    public Task<(TableProfile First, TableProfile Second)> ProfileSidesAsync(
        LocalTable table, RowSelection second, IReadOnlyList<ProfiledColumn> columns, Func<int, Task> progress, CancellationToken cancel) =>
        ReadAsync(table, (second.ToSql(), second.LearningSql()), columns, done => progress(2 * done), cancel);

    private async Task<(TableProfile First, TableProfile Second)> ReadAsync(
        LocalTable table, (string IsSecond, string Filter) sides, IReadOnlyList<ProfiledColumn> columns, Func<int, Task> progress, CancellationToken cancel)
    {
        var largest = (int)Math.Max(LargestBatch, SmallBatch / Math.Max(1, table.Manifest.Rows));
        var size = Math.Clamp((columns.Count + options.Threads - 1) / options.Threads, 1, largest);
        var most = ProfileSize.EntriesOfColumn(columns.Count);
        var (first, second) = (new Dictionary<string, ColumnProfile>(StringComparer.Ordinal), new Dictionary<string, ColumnProfile>(StringComparer.Ordinal));
        using var gate = new SemaphoreSlim(1, 1);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.Threads, CancellationToken = cancel };
        await Parallel.ForEachAsync(columns.Chunk(size), parallel, async (batch, stop) =>
        {
            var readers = Read(table, sides, batch, most, stop);
            await gate.WaitAsync(stop);
            try
            {
                for (var i = 0; i < batch.Length; i++)
                {
                    first[batch[i].Name] = readers[i].First.Finish();
                    second[batch[i].Name] = readers[i].Second.Finish();
                }
                await progress(batch.Length);
            }
            finally
            {
                gate.Release();
            }
        });
        return (new TableProfile(first), new TableProfile(second));
    }

    private IReadOnlyList<(IColumnReader First, IColumnReader Second)> Read(
        LocalTable table, (string IsSecond, string Filter) sides, IReadOnlyList<ProfiledColumn> columns, int most, CancellationToken cancel)
    {
        using var session = duckDb.Open(columns.Count, cancel);
        var readers = columns.Select(column => (First: NewReader(column, most, table), Second: NewReader(column, most, table))).ToList();
        var query = $"SELECT {sides.IsSecond}, {string.Join(", ", columns.Select(column => column.Sql))} FROM {table.ToSql()}{sides.Filter}";
        session.Read(query, (vectors, rows) =>
        {
            var held = vectors[0].Values<bool>(rows);
            for (var i = 0; i < readers.Count; i++)
            {
                readers[i].First.Read(vectors[i + 1], held, isSecond: false);
                readers[i].Second.Read(vectors[i + 1], held, isSecond: true);
            }
        });
        return readers;
    }

    private static IColumnReader NewReader(ProfiledColumn column, int most, LocalTable table) =>
        column.IsNumeric ? new NumberReader(most, table.Manifest.Rows) : new CategoryReader(most);

    private interface IColumnReader
    {
        /// <summary>Reads the cells of one side.</summary>
        void Read(DuckVector cells, ReadOnlySpan<bool> sides, bool isSecond);

        ColumnProfile Finish();
    }

    private sealed class NumberReader(int most, long rows) : IColumnReader
    {
        private readonly NumericSketch sketch = new(most, rows);

        public void Read(DuckVector cells, ReadOnlySpan<bool> sides, bool isSecond)
        {
            var values = cells.Values<double>(sides.Length);
            for (var i = 0; i < sides.Length; i++)
            {
                if (sides[i] != isSecond)
                {
                    continue;
                }
                if (cells.IsNull(i))
                {
                    sketch.AddMissing();
                }
                else
                {
                    sketch.Add(values[i]);
                }
            }
        }

        public ColumnProfile Finish() => sketch.Finish();
    }

    private sealed class CategoryReader(int most) : IColumnReader
    {
        private readonly CategoryCounter counter = new(most);

        public void Read(DuckVector cells, ReadOnlySpan<bool> sides, bool isSecond)
        {
            for (var i = 0; i < sides.Length; i++)
            {
                if (sides[i] != isSecond)
                {
                    continue;
                }
                if (cells.IsNull(i))
                {
                    counter.AddMissing();
                }
                else
                {
                    counter.Add(cells.Utf8(i));
                }
            }
        }

        public ColumnProfile Finish() => counter.Finish();
    }
}

using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Stages.Drift.Profiles;

/// <summary>
/// Profiles a table of any size in constant memory: each thread streams a batch of columns at a time, so that the batch, not the table,
/// decides what is held.
/// </summary>
internal sealed class TableProfiler(DuckDb duckDb, PipelineOptions options)
{
    private const int LargestBatch = 32;

    /// <summary>Entries of all columns together: about 64 MB while they are built, 32 MB stored.</summary>
    private const int MostEntries = 2_000_000;

    private const int FewestEntriesOfColumn = 2048;
    private const int MostEntriesOfColumn = 1 << 16;

    /// <param name="table">The rows.</param>
    /// <param name="columns">What to profile.</param>
    /// <param name="progress">Told the number of columns just done; never from two threads at once.</param>
    /// <param name="cancel">Stops the reading.</param>
    public async Task<TableProfile> ProfileAsync(LocalTable table, IReadOnlyList<ProfiledColumn> columns, Func<int, Task> progress, CancellationToken cancel)
    {
        var size = Math.Clamp((columns.Count + options.Threads - 1) / options.Threads, 1, LargestBatch);
        var most = Math.Clamp(MostEntries / columns.Count, FewestEntriesOfColumn, MostEntriesOfColumn);
        var profiles = new Dictionary<string, ColumnProfile>(StringComparer.Ordinal);
        using var gate = new SemaphoreSlim(1, 1);
        await Parallel.ForEachAsync(columns.Chunk(size), new ParallelOptions { MaxDegreeOfParallelism = options.Threads, CancellationToken = cancel }, async (batch, stop) =>
        {
            var done = Read(table, batch, most, stop);
            await gate.WaitAsync(stop);
            try
            {
                for (var i = 0; i < batch.Length; i++)
                {
                    profiles[batch[i].Name] = done[i];
                }
                await progress(batch.Length);
            }
            finally
            {
                gate.Release();
            }
        });
        return new TableProfile(profiles);
    }

    private IReadOnlyList<ColumnProfile> Read(LocalTable table, IReadOnlyList<ProfiledColumn> columns, int most, CancellationToken cancel)
    {
        using var session = duckDb.Open(cancel);
        session.PrepareFor(table.Manifest.Columns.Count);
        session.Execute("SET threads = 1");
        var readers = columns.Select(column => (IColumnReader)(column.IsNumeric ? new NumberReader(most, table.Manifest.Rows) : new CategoryReader(most))).ToList();
        session.Stream($"SELECT {string.Join(", ", columns.Select(column => column.Sql))} FROM {table.ToSql()}", (vectors, rows) =>
        {
            for (var i = 0; i < readers.Count; i++)
            {
                readers[i].Read(vectors[i], rows);
            }
        });
        return [.. readers.Select(reader => reader.Finish())];
    }

    private interface IColumnReader
    {
        void Read(DuckVector cells, int rows);

        ColumnProfile Finish();
    }

    private sealed class NumberReader(int most, long rows) : IColumnReader
    {
        private readonly NumericSketch sketch = new(most, rows);

        public void Read(DuckVector cells, int rows)
        {
            var values = cells.Values<double>(rows);
            for (var i = 0; i < rows; i++)
            {
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

        public void Read(DuckVector cells, int rows)
        {
            for (var i = 0; i < rows; i++)
            {
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

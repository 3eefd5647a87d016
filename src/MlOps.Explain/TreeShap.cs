using System.Buffers;

namespace MlOps.Explain;

/// <summary>
/// Exact path-dependent SHAP values of a tree ensemble. Which conditions of a leaf a row meets decides the values that the leaf adds, so
/// for many rows they are computed once for every combination and looked up (Yang, 2021, "Fast TreeSHAP", version 2).
/// </summary>
public sealed class TreeShap
{
    /// <summary>More conditions than this are computed row by row: the table doubles with each.</summary>
    private const int MostTabled = 10;

    /// <summary>A table is worth its making when the rows are many more than its entries.</summary>
    private const int RowsPerEntry = 4;

    /// <summary>Most numbers in all tables together (8 bytes each).</summary>
    private const long MostNumbers = 8_000_000;

    /// <summary>Tables that are made in one go: about as long as a block of rows takes.</summary>
    private const int TablesAtOnce = 128;

    private readonly LeafPaths paths;
    private readonly int[] columnOf;
    private readonly int[] columns;

    /// <param name="ensemble">The trees.</param>
    /// <param name="covers">Training rows that pass every node: see <see cref="NodeCovers.Count"/>.</param>
    /// <param name="columnOf">Column that every slot's value is added to.</param>
    /// <exception cref="NotSupportedException">A path has too many conditions.</exception>
    public TreeShap(TreeEnsemble ensemble, long[] covers, int[] columnOf)
        : this(LeafPaths.Of(ensemble, covers), columnOf)
    {
    }

    /// <param name="paths">The ensemble's leaves.</param>
    /// <param name="columnOf">Column that every slot's value is added to.</param>
    internal TreeShap(LeafPaths paths, int[] columnOf)
    {
        this.paths = paths;
        this.columnOf = columnOf;
        columns = [.. paths.Conditions.Select(condition => columnOf[condition.Slot])];
        Columns = columnOf.Length == 0 ? 0 : columnOf.Max() + 1;
        for (var leaf = 0; leaf < paths.Values.Length; leaf++)
        {
            if (paths.Starts[leaf + 1] - paths.Starts[leaf] > ShapleyWeights.MostConditions)
            {
                throw new NotSupportedException($"A tree asks for more than {ShapleyWeights.MostConditions} features on one path.");
            }
        }
    }

    public double ExpectedValue => paths.ExpectedValue;

    /// <summary>Columns of the result.</summary>
    public int Columns { get; }

    private int SlotCount => columnOf.Length;

    /// <summary>Adds a row's values to <paramref name="contributions"/>, which together with <see cref="ExpectedValue"/> make the prediction.</summary>
    /// <param name="row">The row, slot by slot.</param>
    /// <param name="contributions">One number per column.</param>
    public void AddTo(ReadOnlySpan<float> row, Span<double> contributions)
    {
        for (var leaf = 0; leaf < paths.Values.Length; leaf++)
        {
            AddLeaf(leaf, row, contributions);
        }
    }

    /// <summary>SHAP values of many rows: row by row, one number per column.</summary>
    /// <param name="rows">How many.</param>
    /// <param name="fill">Writes rows from the given one on, slot by slot; called from several threads.</param>
    /// <param name="threads">Threads to use.</param>
    /// <param name="cancel">Stops the work.</param>
    public double[] Explain(int rows, FillRows fill, int threads, CancellationToken cancel)
    {
        var contributions = new double[(long)rows * Columns];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancel };
        var tables = new double[]?[paths.Values.Length];
        Parallel.ForEach(Tabled(rows), parallel, leaf => tables[leaf] = Table(leaf));
        var size = Math.Min(RowBlocks.Size(SlotCount), Math.Max(rows, 1));
        Parallel.For(0, (rows + size - 1) / size, parallel, () => new float[(long)size * SlotCount], (block, _, buffer) =>
        {
            ExplainBlock(block * size, Math.Min(size, rows - (block * size)), fill, buffer, contributions, tables);
            return buffer;
        }, _ => { });
        return contributions;
    }

    /// <summary>
    /// As <see cref="Explain"/>, to the last bit, on a scheduler that others share: after each block of rows whoever waits there has a turn, so that few rows
    /// do not wait for many. Nobody's thread is held while it waits for its own.
    /// </summary>
    /// <param name="rows">How many.</param>
    /// <param name="fill">Writes rows from the given one on, slot by slot; called from several threads.</param>
    /// <param name="scheduler">Where it works, and on how many threads.</param>
    /// <param name="cancel">Stops the work.</param>
    public async Task<double[]> ExplainAsync(int rows, FillRows fill, TaskScheduler scheduler, CancellationToken cancel)
    {
        var contributions = new double[(long)rows * Columns];
        var parallel = new ParallelOptions { TaskScheduler = scheduler, CancellationToken = cancel };
        var tables = new double[]?[paths.Values.Length];
        if (Tabled(rows) is { Count: > 0 } tabled)
        {
            await Parallel.ForEachAsync(tabled.Chunk(TablesAtOnce), parallel, async (leaves, _) =>
            {
                foreach (var leaf in leaves)
                {
                    tables[leaf] = Table(leaf);
                }
                await Task.Yield();
            }).ConfigureAwait(false);
        }
        var size = Math.Min(RowBlocks.Size(SlotCount), Math.Max(rows, 1));
        var blocks = (rows + size - 1) / size;
        await Parallel.ForAsync(0, blocks, parallel, async (block, _) =>
        {
            var buffer = ArrayPool<float>.Shared.Rent(size * SlotCount);
            try
            {
                ExplainBlock(block * size, Math.Min(size, rows - (block * size)), fill, buffer, contributions, tables);
            }
            finally
            {
                ArrayPool<float>.Shared.Return(buffer);
            }
            if (block + 1 < blocks)
            {
                await Task.Yield();
            }
        }).ConfigureAwait(false);
        return contributions;
    }

    private void ExplainBlock(int start, int count, FillRows fill, Span<float> buffer, double[] contributions, double[]?[] tables)
    {
        fill(start, count, buffer);
        // Tree by tree over a block of rows: a tree's tables stay in the processor's cache.
        for (var tree = 0; tree + 1 < paths.FirstLeaves.Length; tree++)
        {
            for (var row = 0; row < count; row++)
            {
                AddTree(tree, buffer.Slice(row * SlotCount, SlotCount), contributions.AsSpan((start + row) * Columns, Columns), tables);
            }
        }
    }

    private void AddTree(int tree, ReadOnlySpan<float> row, Span<double> contributions, double[]?[] tables)
    {
        var conditions = paths.Conditions;
        for (var leaf = paths.FirstLeaves[tree]; leaf < paths.FirstLeaves[tree + 1]; leaf++)
        {
            var table = tables[leaf];
            if (table is null)
            {
                AddLeaf(leaf, row, contributions);
                continue;
            }
            var start = paths.Starts[leaf];
            var length = paths.Starts[leaf + 1] - start;
            var met = 0;
            for (var i = 0; i < length; i++)
            {
                ref readonly var condition = ref conditions[start + i];
                met |= (condition.Holds(row[condition.Slot]) ? 1 : 0) << i;
            }
            var entry = table.AsSpan(met * length, length);
            for (var i = 0; i < entry.Length; i++)
            {
                contributions[columns[start + i]] += entry[i];
            }
        }
    }

    private void AddLeaf(int leaf, ReadOnlySpan<float> row, Span<double> contributions)
    {
        var start = paths.Starts[leaf];
        var conditions = paths.Conditions.AsSpan(start, paths.Starts[leaf + 1] - start);
        Span<bool> met = stackalloc bool[conditions.Length];
        Span<double> shapley = stackalloc double[conditions.Length];
        for (var i = 0; i < met.Length; i++)
        {
            met[i] = conditions[i].Holds(row[conditions[i].Slot]);
        }
        ShapleyWeights.Compute(paths.Values[leaf], conditions, met, shapley);
        for (var i = 0; i < shapley.Length; i++)
        {
            contributions[columns[start + i]] += shapley[i];
        }
    }

    /// <summary>The leaves that a table pays for.</summary>
    internal List<int> Tabled(int rows)
    {
        var numbers = 0L;
        var tabled = new List<int>();
        for (var leaf = 0; leaf < paths.Values.Length; leaf++)
        {
            var length = paths.Starts[leaf + 1] - paths.Starts[leaf];
            if (length <= MostTabled && RowsPerEntry << length <= rows && numbers + (length << length) <= MostNumbers)
            {
                numbers += length << length;
                tabled.Add(leaf);
            }
        }
        return tabled;
    }

    /// <summary>The values of a leaf for every combination of met conditions.</summary>
    private double[] Table(int leaf)
    {
        var start = paths.Starts[leaf];
        var conditions = paths.Conditions.AsSpan(start, paths.Starts[leaf + 1] - start);
        var table = new double[conditions.Length << conditions.Length];
        Span<bool> met = stackalloc bool[conditions.Length];
        for (var mask = 0; mask < 1 << conditions.Length; mask++)
        {
            for (var i = 0; i < met.Length; i++)
            {
                met[i] = (mask >> i & 1) == 1;
            }
            ShapleyWeights.Compute(paths.Values[leaf], conditions, met, table.AsSpan(mask * conditions.Length, conditions.Length));
        }
        return table;
    }
}

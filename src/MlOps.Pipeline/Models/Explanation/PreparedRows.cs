using Microsoft.ML;
using MlOps.Pipeline.Models.Trees;

namespace MlOps.Pipeline.Models.Explanation;

/// <summary>Rows of a table as a model's predictor sees them: the feature vector after the model's own preparation, slot by slot.</summary>
internal sealed class PreparedRows
{
    private readonly FeatureTable table;
    private readonly IReadOnlyList<ITransformer> preparation;
    private readonly int[]? rows;

    /// <param name="table">The rows.</param>
    /// <param name="preparation">The model's steps before its predictor.</param>
    /// <param name="rows">Which rows, in order; null: all.</param>
    public PreparedRows(FeatureTable table, IReadOnlyList<ITransformer> preparation, int[]? rows = null)
    {
        this.table = table;
        this.preparation = preparation;
        this.rows = rows;
        Slots = table.Featurizer.Slots.Count;
    }

    public int Count => rows?.Length ?? table.Rows;

    public int Slots { get; }

    /// <summary>Writes rows; may be called from several threads at once.</summary>
    public void Fill(int start, int count, Span<float> output)
    {
        using var reader = new RowReader(preparation, table.Featurizer);
        for (var i = 0; i < count; i++)
        {
            reader.Read(new TableRow(table, rows is null ? start + i : rows[start + i]), output.Slice(i * Slots, Slots));
        }
    }

    /// <summary>The mean of every slot.</summary>
    public double[] Means(CancellationToken cancel)
    {
        var sums = new double[Slots];
        var size = RowBlocks.Size(Slots);
        var buffer = new float[size * Slots];
        for (var start = 0; start < Count; start += size)
        {
            cancel.ThrowIfCancellationRequested();
            var count = Math.Min(size, Count - start);
            Fill(start, count, buffer);
            for (var i = 0; i < count * Slots; i++)
            {
                sums[i % Slots] += buffer[i];
            }
        }
        return [.. sums.Select(sum => sum / Count)];
    }
}

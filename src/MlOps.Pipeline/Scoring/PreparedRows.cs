using Microsoft.ML;
using MlOps.Explain;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Scoring;

/// <summary>Rows as a model's predictor sees them: the feature vector after the model's own preparation, slot by slot.</summary>
/// <param name="featurizer">The model's featurizer.</param>
/// <param name="preparation">The model's steps before its predictor.</param>
/// <param name="count">How many rows.</param>
/// <param name="row">Gives a row.</param>
internal sealed class PreparedRows(Featurizer featurizer, IReadOnlyList<ITransformer> preparation, int count, Func<int, IFeatureSource> row)
{
    /// <summary>All rows of a table.</summary>
    public PreparedRows(FeatureTable table, IReadOnlyList<ITransformer> preparation)
        : this(table.Featurizer, preparation, table.Rows, row => new TableRow(table, row))
    {
    }

    /// <summary>Some rows of a table, in the given order.</summary>
    public PreparedRows(FeatureTable table, IReadOnlyList<ITransformer> preparation, int[] rows)
        : this(table.Featurizer, preparation, rows.Length, row => new TableRow(table, rows[row]))
    {
    }

    public int Count => count;

    public int Slots { get; } = featurizer.Slots.Count;

    /// <summary>Writes rows; may be called from several threads at once.</summary>
    public void Fill(int start, int number, Span<float> output)
    {
        using var reader = new RowReader(preparation, featurizer);
        for (var i = 0; i < number; i++)
        {
            reader.Read(row(start + i), output.Slice(i * Slots, Slots));
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
            var number = Math.Min(size, Count - start);
            Fill(start, number, buffer);
            for (var i = 0; i < number * Slots; i++)
            {
                sums[i % Slots] += buffer[i];
            }
        }
        return [.. sums.Select(sum => sum / Count)];
    }
}

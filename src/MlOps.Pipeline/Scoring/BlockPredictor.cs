using Microsoft.ML;
using Microsoft.ML.Trainers.FastTree;
using MlOps.Explain;
using MlOps.Explain.MLNet;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Scoring;

/// <summary>Predicts whole tables with boosted trees, several times as fast as ML.NET and with the same numbers, to the last bit.</summary>
internal sealed class BlockPredictor
{
    private const int LargestBlock = 1 << 15;

    private readonly QuickScorer trees;
    private readonly LogOddsLink? link;

    private BlockPredictor(QuickScorer trees, LogOddsLink? link) => (this.trees, this.link) = (trees, link);

    /// <summary>Null for a model that has to go through ML.NET.</summary>
    public static BlockPredictor? Of(ITransformer model)
    {
        try
        {
            var parts = ModelParts.Of(model, FeatureView.Features);
            // Forests of regression trees divide the sum, which rounds in another way than ML.NET does.
            return parts is { Preparation: [], Model: not FastForestRegressionModelParameters } && TreeEnsembleReader.Read(parts.Model) is { } ensemble
                && QuickScorer.Of(ensemble) is { } trees
                ? new BlockPredictor(trees, parts.Link)
                : null;
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>The predicted value of every row, or its probability of being positive.</summary>
    public float[] Predict(FeatureTable table, int threads)
    {
        var predictions = new float[table.Rows];
        var size = Math.Clamp(LargestBlock / Math.Max(trees.Slots.Length, 1) / QuickScorer.Lanes * QuickScorer.Lanes, QuickScorer.Lanes, 1024);
        Parallel.For(
            0,
            (table.Rows + size - 1) / size,
            new ParallelOptions { MaxDegreeOfParallelism = threads },
            () => (Values: new float[size * trees.Slots.Length], Sums: new double[size]),
            (block, _, own) =>
            {
                var start = block * size;
                var rows = Math.Min(size, table.Rows - start);
                for (var column = 0; column < trees.Slots.Length; column++)
                {
                    table.CopySlot(trees.Slots[column], start, own.Values.AsSpan(column * size, rows));
                }
                trees.Predict(own.Values, own.Sums);
                for (var row = 0; row < rows; row++)
                {
                    predictions[start + row] = Output((float)own.Sums[row]);
                }
                return own;
            },
            _ => { });
        return predictions;
    }

    // As ML.NET's Platt calibrator computes it.
    private float Output(float score) => link is null ? score : (float)(1 / (1 + Math.Exp((-link.Slope * score) - link.Offset)));
}

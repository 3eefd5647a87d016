using Microsoft.ML;
using Microsoft.ML.Trainers.FastTree;
using MlOps.Explain;
using MlOps.Explain.MLNet;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Scoring;

/// <summary>Predicts whole tables with boosted trees, several times as fast as ML.NET and with the same numbers: to the last bit, of several classes to
/// single precision.</summary>
internal sealed class BlockPredictor
{
    private const int LargestBlock = 1 << 15;

    private readonly QuickScorer[] trees;
    private readonly LogOddsLink?[] links;
    private readonly ClassOutput? output;

    private BlockPredictor(QuickScorer[] trees, LogOddsLink?[] links, ClassOutput? output) =>
        (this.trees, this.links, this.output) = (trees, links, output);

    /// <summary>Null for a model that has to go through ML.NET.</summary>
    public static BlockPredictor? Of(ITransformer model)
    {
        try
        {
            var parts = ModelParts.Of(model, FeatureView.Features);
            if (parts.Preparation.Count > 0)
            {
                return null;
            }
            if (ClassModels.Of(parts.Model) is { } classes)
            {
                var scorers = classes.Select(one => one.Trees is null ? null : QuickScorer.Of(one.Trees)).ToArray();
                return scorers.Contains(null) ? null : new BlockPredictor(scorers!, [.. classes.Select(one => one.Link)], ClassModels.OutputOf(parts.Model));
            }
            // Forests of regression trees divide the sum, which rounds in another way than ML.NET does.
            return parts.Model is not FastForestRegressionModelParameters && TreeEnsembleReader.Read(parts.Model) is { } ensemble
                && QuickScorer.Of(ensemble) is { } trees
                ? new BlockPredictor([trees], [parts.Link], output: null)
                : null;
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>The predicted value of every row, or its probability of being positive; of several classes, row after row, the probability of each.</summary>
    public float[] Predict(FeatureTable table, int threads)
    {
        var outputs = trees.Length;
        var predictions = new float[table.Rows * outputs];
        var widest = trees.Max(one => one.Slots.Length);
        var size = Math.Clamp(LargestBlock / Math.Max(widest, 1) / QuickScorer.Lanes * QuickScorer.Lanes, QuickScorer.Lanes, 1024);
        Parallel.For(
            0,
            (table.Rows + size - 1) / size,
            new ParallelOptions { MaxDegreeOfParallelism = threads },
            () => (Values: new float[size * widest], Sums: new double[size]),
            (block, _, own) =>
            {
                var start = block * size;
                var rows = Math.Min(size, table.Rows - start);
                for (var place = 0; place < outputs; place++)
                {
                    var slots = trees[place].Slots;
                    for (var column = 0; column < slots.Length; column++)
                    {
                        table.CopySlot(slots[column], start, own.Values.AsSpan(column * size, rows));
                    }
                    trees[place].Predict(own.Values, own.Sums);
                    for (var row = 0; row < rows; row++)
                    {
                        predictions[((start + row) * outputs) + place] = Output((float)own.Sums[row], links[place]);
                    }
                }
                for (var row = start; output is not null && row < start + rows; row++)
                {
                    MakeProbabilities(predictions.AsSpan(row * outputs, outputs), output.Value);
                }
                return own;
            },
            _ => { });
        return predictions;
    }

    /// <summary>Where each row has one number, and no more than it and the class that it stands for is wanted: what makes it; null: there are several.
    /// </summary>
    public (QuickScorer Trees, LogOddsLink? Link)? OneOutput => trees.Length == 1 && output is null ? (trees[0], links[0]) : null;

    /// <summary>A sum of trees as a probability, as ML.NET's Platt calibrator computes it; as it is where there is none.</summary>
    internal static float Output(float score, LogOddsLink? link) => link is null ? score : (float)(1 / (1 + Math.Exp((-link.Slope * score) - link.Offset)));

    /// <summary>The probabilities of all classes, in the place of their scores.</summary>
    internal static void MakeProbabilities(Span<float> scores, ClassOutput output)
    {
        if (output == ClassOutput.Softmax)
        {
            // Counted from the largest, so that no exponential is too large for a number.
            var largest = scores[0];
            foreach (var score in scores)
            {
                largest = Math.Max(largest, score);
            }
            foreach (ref var score in scores)
            {
                score = MathF.Exp(score - largest);
            }
        }
        var sum = 0f;
        foreach (var score in scores)
        {
            sum += score;
        }
        for (var place = 0; sum > 0 && place < scores.Length; place++)
        {
            scores[place] /= sum;
        }
    }
}

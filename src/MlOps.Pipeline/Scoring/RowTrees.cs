using Microsoft.ML;
using MlOps.Explain;
using MlOps.Explain.MLNet;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Scoring;

/// <summary>
/// Boosted trees of one output, as rows that were read one by one go through them: by code of ours, several times as fast as ML.NET's. It has ML.NET's
/// numbers to the last bit, or is not asked again: ML.NET scores one row of each 256 as well. Safe to use from many threads at once.
/// </summary>
internal sealed class RowTrees
{
    /// <summary>Rows of which ML.NET scores one as well.</summary>
    public const int Share = 256;

    /// <summary>Rows from which on it pays that they go through the trees together.</summary>
    public const int LeastBlock = 2 * QuickScorer.Lanes;

    private const int MostOnStack = 512;

    private readonly QuickScorer trees;
    private readonly LogOddsLink? link;
    private readonly SlotSource[] sources;
    private volatile bool isOther;

    private RowTrees(QuickScorer trees, LogOddsLink? link, IReadOnlyList<SlotSource> sources)
    {
        (this.trees, this.link, this.sources) = (trees, link, [.. trees.Slots.Select(slot => sources[slot])]);
        // What the first row needs is made now, and not while somebody waits for it.
        trees.PredictOne(new float[trees.Slots.Length]);
    }

    /// <summary>Null for a model that has to go through ML.NET.</summary>
    public static RowTrees? Of(ITransformer model, IReadOnlyList<SlotSource> sources) =>
        BlockPredictor.Of(model)?.OneOutput is { } only ? new RowTrees(only.Trees, only.Link, sources) : null;

    /// <summary>The predicted value of a row, or its probability of being positive; null: ask ML.NET.</summary>
    public float? Predict(FeatureRow row, RowScorer own)
    {
        if (isOther)
        {
            return null;
        }
        var values = sources.Length <= MostOnStack ? stackalloc float[sources.Length] : new float[sources.Length];
        for (var place = 0; place < values.Length; place++)
        {
            values[place] = ValueOf(row, sources[place]);
        }
        var predicted = BlockPredictor.Output((float)trees.PredictOne(values), link);
        return own.RowsWithout++ % Share != 0 || IsSame(predicted, own.Score(row)) ? predicted : null;
    }

    /// <summary>The same of rows together.</summary>
    /// <param name="rows">At least <see cref="LeastBlock"/>, or it takes longer than one by one.</param>
    /// <param name="own">ML.NET's.</param>
    /// <param name="predictions">Takes what is predicted of each.</param>
    /// <returns>False: ask ML.NET.</returns>
    public bool TryPredict(ReadOnlySpan<FeatureRow> rows, RowScorer own, Span<float> predictions)
    {
        if (isOther)
        {
            return false;
        }
        var size = (rows.Length + QuickScorer.Lanes - 1) / QuickScorer.Lanes * QuickScorer.Lanes;
        var (values, sums) = (new float[size * sources.Length], new double[size]);
        for (var place = 0; place < sources.Length; place++)
        {
            for (var row = 0; row < rows.Length; row++)
            {
                values[(place * size) + row] = ValueOf(rows[row], sources[place]);
            }
        }
        trees.Predict(values, sums);
        for (var row = 0; row < rows.Length; row++)
        {
            predictions[row] = BlockPredictor.Output((float)sums[row], link);
        }
        return IsSame(predictions[0], own.Score(rows[0]));
    }

    private static float ValueOf(FeatureRow row, SlotSource source) =>
        source.Category is { } category ? row.Codes[source.Column] == category ? 1 : 0 : row.Numbers[source.Column];

    private bool IsSame(float predicted, float scored)
    {
        isOther |= !predicted.Equals(scored);
        return !isOther;
    }
}

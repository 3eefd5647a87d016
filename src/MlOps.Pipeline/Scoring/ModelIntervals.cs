using System.Collections.Concurrent;
using Microsoft.ML;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Scoring;

/// <summary>Between what a value lies.</summary>
/// <param name="Low">The lower end.</param>
/// <param name="High">The upper end.</param>
public readonly record struct PredictionInterval(double Low, double High);

/// <summary>How sure predictions are, one a row.</summary>
/// <param name="Intervals">Regression: between what the value lies; null for classes.</param>
/// <param name="Sets">Binary and multiclass: the classes that the row may be of; null for regression.</param>
public sealed record PredictionRanges(IReadOnlyList<PredictionInterval>? Intervals, IReadOnlyList<IReadOnlyList<string>>? Sets);

/// <summary>Intervals and sets of single predictions. Safe to use from many threads at once.</summary>
internal sealed class ModelIntervals
{
    private readonly Featurizer featurizer;
    private readonly IntervalState state;
    private readonly ITransformer? spread;
    private readonly ConcurrentBag<RowScorer> idle = [];

    private ModelIntervals(Featurizer featurizer, IntervalState state, ITransformer? spread) =>
        (this.featurizer, this.state, this.spread) = (featurizer, state, spread);

    /// <summary>Those of a stored model; null where it has none.</summary>
    public static async Task<ModelIntervals?> FindAsync(ArtifactStore artifacts, ModelFiles model, Featurizer featurizer, CancellationToken cancel)
    {
        if (await model.FindAsync(artifacts, IntervalState.File, cancel) is not { } stored)
        {
            return null;
        }
        var state = Stored.Read<IntervalState>(stored.ToString());
        if (state.LeastSpread is null)
        {
            return new ModelIntervals(featurizer, state, spread: null);
        }
        return new ModelIntervals(featurizer, state, StoredModel.Load(await model.ReadAsync(artifacts, IntervalState.SpreadFile, cancel)));
    }

    /// <param name="rows">The rows.</param>
    /// <param name="predictions">What the model predicts of each.</param>
    /// <param name="level">With which probability.</param>
    /// <exception cref="InputException">Too few rows tell anything at the level.</exception>
    public PredictionRanges Of(IReadOnlyList<FeatureRow> rows, IReadOnlyList<Prediction> predictions, double level)
    {
        var target = featurizer.Target;
        if (target.Task != TaskKind.Regression)
        {
            return new PredictionRanges(null, [.. predictions.Select(prediction => target.Classes is { } classes
                ? state.Set(level, classes, [.. prediction.Probabilities!])
                : state.Set(level, [target.Positive!, target.Negative!], [prediction.Score, 1 - prediction.Score]))]);
        }
        var scorer = spread is null ? null : idle.TryTake(out var pooled) ? pooled : new RowScorer(spread, featurizer);
        var intervals = new PredictionInterval[rows.Count];
        for (var i = 0; i < intervals.Length; i++)
        {
            var predicted = scorer is null ? 1 : scorer.Score(rows[i]) is var score && state.SpreadScale is { } scale ? scale.FromModel(score) : score;
            var (value, reach) = (predictions[i].Score, state.Reach(level, predicted));
            intervals[i] = new PredictionInterval(value - reach, value + reach);
        }
        if (scorer is not null)
        {
            idle.Add(scorer);
        }
        return new PredictionRanges(intervals, null);
    }
}

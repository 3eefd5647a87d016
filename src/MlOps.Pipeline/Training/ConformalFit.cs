using Microsoft.ML;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Scoring;

namespace MlOps.Pipeline.Training;

/// <summary>Intervals that were made.</summary>
/// <param name="State">What is stored.</param>
/// <param name="Spread">The model of the spread; null: none narrows them.</param>
internal sealed record FittedIntervals(IntervalState State, ITransformer? Spread = null);

/// <summary>
/// Makes intervals of predictions that were not learnt from their rows (split conformal, and of out-of-fold predictions cross-conformal: Vovk, Cross-Conformal
/// Predictors, 2015; Barber et al., Predictive Inference with the Jackknife+, 2021). For regression, a small model of the absolute residual narrows them where
/// the spread depends on the row (Lei et al., 2018, section 5.2): it is kept where intervals of 0.9 are narrower with it. Of two classes the scores of each are
/// kept apart, so that the level holds for the rare one too (Mondrian conformal prediction, Vovk et al., 2005).
/// </summary>
/// <param name="seed">For what is drawn at random.</param>
/// <param name="threads">Threads to use.</param>
/// <param name="cancel">Stops it.</param>
internal sealed class ConformalFit(int seed, int threads, CancellationToken cancel)
{
    /// <summary>Coverage is known to 0.3 % by so many, and a large table's run is not held up.</summary>
    private const int MostRows = 10_000;

    /// <summary>Fewer say nothing of where the spread is larger.</summary>
    private const int FewestRowsOfSpread = 200;

    /// <summary>Parts of the rows of which each has its spread predicted by a model of the others, where there are no folds.</summary>
    private const int Parts = 5;

    /// <summary>By how much a spread model must narrow intervals to be kept.</summary>
    private const double Narrower = 0.98;

    private static readonly CandidateSpec SpreadSpec = new()
    {
        Trainer = TrainerNames.LightGbm,
        Trees = 40,
        Leaves = 8,
        MinRowsPerLeaf = 20,
        EarlyStopping = 0,
    };

    /// <param name="table">The rows.</param>
    /// <param name="predictions">Of each row, not learnt from it.</param>
    /// <param name="folds">Parts of the rows that belong together; null: any.</param>
    /// <param name="rows">What the rows are.</param>
    public FittedIntervals Fit(FeatureTable table, double[] predictions, Folds? folds, IntervalRows rows)
    {
        if (table.Featurizer.Target.Task == TaskKind.Multiclass)
        {
            var together = new IntervalState(rows, [ScoresTogether(table, predictions, _ => true)]);
            return new FittedIntervals(WithOwn(together, half => [ScoresTogether(table, predictions, half)], table, predictions));
        }
        if (table.Featurizer.Target.Task == TaskKind.Binary)
        {
            var sets = new IntervalState(rows, ScoresOfClasses(table, predictions, _ => true));
            return new FittedIntervals(WithOwn(sets, half => ScoresOfClasses(table, predictions, half), table, predictions));
        }
        if (table.Rows > MostRows)
        {
            int[] some = [.. Enumerable.Range(0, MostRows).Select(row => (int)((long)row * table.Rows / MostRows))];
            (table, predictions, folds) = (table.Take(some), [.. some.Select(row => predictions[row])], Taken(folds, some));
        }
        double[] residuals = [.. predictions.Zip(table.Labels, (prediction, label) => Math.Abs(label - prediction))];
        var plain = new IntervalState(rows, [ConformalScores.Of(null, residuals)]);
        return Spread(table, predictions, residuals, folds, plain) ?? new FittedIntervals(
            WithOwn(plain, half => [ConformalScores.Of(null, residuals.Where((_, row) => half(row)))], table, predictions));
    }

    /// <summary>How intervals hold on rows that had no part in them.</summary>
    /// <param name="state">The intervals.</param>
    /// <param name="table">The rows.</param>
    /// <param name="predictions">Of each row.</param>
    /// <param name="spreads">What the spread's model predicts of each; null: there is none.</param>
    /// <param name="which">Only these rows; null: all.</param>
    public static IntervalMeasure? Measure(
        IntervalState state, FeatureTable table, double[] predictions, double[]? spreads = null, Func<int, bool>? which = null)
    {
        const double Level = IntervalState.UsualLevel;
        var rows = Enumerable.Range(0, table.Rows).Where(row => which?.Invoke(row) != false).ToList();
        if (rows.Count == 0 || !state.Reaches(Level))
        {
            return null;
        }
        var target = table.Featurizer.Target;
        if (target.Task != TaskKind.Regression)
        {
            var sets = rows.ConvertAll(row => (Set: SetOf(row), Label: LabelOf(target, table.Labels[row])));
            return new IntervalMeasure(sets.Average(row => row.Set.Contains(row.Label) ? 1.0 : 0), sets.Average(row => row.Set.Count));
        }
        var reaches = rows.ConvertAll(row => (Row: row, Reach: state.Reach(Level, spreads?[row] ?? 1)));
        return new IntervalMeasure(
            reaches.Average(row => Math.Abs(table.Labels[row.Row] - predictions[row.Row]) <= row.Reach ? 1.0 : 0), reaches.Average(row => 2 * row.Reach));

        IReadOnlyList<string> SetOf(int row) => target.Classes is { } classes
            ? state.Set(Level, classes, predictions.AsSpan(row * classes.Count, classes.Count))
            : state.Set(Level, [target.Positive!, target.Negative!], [predictions[row], 1 - predictions[row]]);
    }

    private static IntervalState WithOwn(
        IntervalState state, Func<Func<int, bool>, IReadOnlyList<ConformalScores>> scoresOf, FeatureTable table, double[] predictions,
        double[]? spreads = null)
    {
        return Half(0) is { } even && Half(1) is { } odd
            ? state with { Own = new IntervalMeasure((even.Coverage + odd.Coverage) / 2, (even.Size + odd.Size) / 2) }
            : state;

        IntervalMeasure? Half(int side) =>
            Measure(state with { Scores = scoresOf(row => row % 2 != side) }, table, predictions, spreads, row => row % 2 == side);
    }

    /// <summary>Null where a model of the spread does not narrow intervals.</summary>
    private FittedIntervals? Spread(FeatureTable table, double[] predictions, double[] residuals, Folds? folds, IntervalState plain)
    {
        double[] sorted = [.. residuals.Order()];
        var median = table.Rows == 0 ? 0 : sorted[sorted.Length / 2];
        if (table.Rows < FewestRowsOfSpread || median == 0)
        {
            return null;
        }
        // A few wild rows must not be all that the model learns.
        var most = sorted[(int)((sorted.Length - 1) * 0.99)];
        var learnt = table.Take([.. Enumerable.Range(0, table.Rows)]);
        for (var row = 0; row < residuals.Length; row++)
        {
            learnt.Labels[row] = Math.Min(residuals[row], most);
        }
        var scale = Trainers.ScaleOf(SpreadSpec, learnt);
        folds ??= new Folds(Parts, [.. Enumerable.Range(0, table.Rows).Select(row => row % Parts)]);
        var fitted = CrossValidation.Run(learnt, folds, scale, threads, SpreadSpec, (spec, heldOut) => Learn(learnt, spec, heldOut, scale));

        var state = plain with { LeastSpread = median / 10, SpreadScale = scale };
        var spreads = fitted.OutOfFold!;
        double[] scores = [.. residuals.Select((residual, row) => residual / state.SpreadOf(spreads[row]))];
        state = state with { Scores = [ConformalScores.Of(null, scores)] };
        var width = Measure(state, table, predictions, spreads);
        return width is not null && width.Size < Narrower * Measure(plain, table, predictions)!.Size
            ? new FittedIntervals(
                WithOwn(state, half => [ConformalScores.Of(null, scores.Where((_, row) => half(row)))], table, predictions, spreads), fitted.Model)
            : null;
    }

    private ITransformer Learn(FeatureTable table, CandidateSpec spec, bool[]? heldOut, TargetScale? scale)
    {
        var ml = new MLContext(seed);
        // An interval holds for any row, whatever it counts in learning.
        var trainer = new Trainers(Trainers.ContextOf(ml, table.Featurizer with { Weights = null }, table.Rows, seed, threads, spec));
        return TrainingCancellation.Run(ml, () => trainer.Fit(table, heldOut, scale), cancel);
    }

    private static ConformalScores[] ScoresOfClasses(FeatureTable table, double[] predictions, Func<int, bool> which)
    {
        var target = table.Featurizer.Target;
        return [Of(target.Positive!, positive: true), Of(target.Negative!, positive: false)];

        ConformalScores Of(string label, bool positive) => ConformalScores.Of(
            label,
            Enumerable.Range(0, table.Rows).Where(row => which(row) && table.Labels[row] > 0.5 == positive)
                .Select(row => positive ? 1 - predictions[row] : predictions[row]));
    }

    /// <summary>Of many classes some have too few rows for scores of their own: the level holds for all rows together.</summary>
    private static ConformalScores ScoresTogether(FeatureTable table, double[] predictions, Func<int, bool> which)
    {
        var classes = table.Featurizer.Target.Outputs;
        return ConformalScores.Of(
            null,
            Enumerable.Range(0, table.Rows).Where(row => which(row) && !double.IsNaN(table.Labels[row]))
                .Select(row => 1 - predictions[(row * classes) + (int)table.Labels[row]]));
    }

    private static string? LabelOf(TargetColumn target, double label) => target.Classes is { } classes
        ? double.IsNaN(label) ? null : classes[(int)label]
        : label > 0.5 ? target.Positive : target.Negative;

    private static Folds? Taken(Folds? folds, int[] rows) => folds is null ? null : folds with { PartOf = [.. rows.Select(row => folds.PartOf[row])] };
}

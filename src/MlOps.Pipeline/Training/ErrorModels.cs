using Microsoft.ML;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Scoring;

namespace MlOps.Pipeline.Training;

/// <summary>
/// Models of how far a regression model is off, by the features of a row: direct loss estimation (DLE; NannyML, How It Works, Direct Loss Estimation). Their
/// mean over rows whose truth is not known is the error that is to be expected of these. What they have learnt holds while the target follows from the features
/// as it did (no concept drift), and where there were rows to learn from.
/// </summary>
/// <param name="Absolute">Predicts |truth − prediction|.</param>
/// <param name="Squared">Predicts its square.</param>
/// <param name="Scales">The units in which they do.</param>
internal sealed record ErrorModels(ITransformer Absolute, ITransformer Squared, ErrorScales Scales)
{
    /// <summary>Parts of the rows of which each is estimated by models of the others, to see what estimates are worth.</summary>
    private const int Parts = 5;

    private static readonly CandidateSpec Spec = new()
    {
        Trainer = TrainerNames.LightGbm,
        Trees = 60,
        Leaves = 8,
        MinRowsPerLeaf = 20,
        EarlyStopping = 0,
    };

    /// <summary>Learns from rows that the model itself did not learn from.</summary>
    /// <param name="table">The rows.</param>
    /// <param name="predictions">What the model predicts of each.</param>
    /// <param name="seed">For what is drawn at random.</param>
    /// <param name="threads">Threads to use.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>The models, and what they would have said of these very rows had they not learnt from them.</returns>
    public static (ErrorModels Models, IReadOnlyDictionary<string, double> OutOfFold) Fit(
        FeatureTable table, double[] predictions, int seed, int threads, CancellationToken cancel)
    {
        var learnt = table.Take([.. Enumerable.Range(0, table.Rows)]);
        double[] errors = [.. predictions.Zip(table.Labels, (prediction, label) => Math.Abs(label - prediction))];
        var (absolute, absoluteScale, absolutes) = Learn(errors);
        var (squared, squaredScale, squares) = Learn([.. errors.Select(error => error * error)]);
        return (new ErrorModels(absolute, squared, new ErrorScales(absoluteScale, squaredScale)), Metrics(absolutes, squares));

        (ITransformer, TargetScale?, double[]) Learn(double[] losses)
        {
            losses.CopyTo(learnt.Labels, 0);
            var scale = Trainers.ScaleOf(Spec, learnt);
            var folds = new Folds(Parts, [.. Enumerable.Range(0, table.Rows).Select(row => row % Parts)]);
            var fitted = CrossValidation.Run(learnt, folds, scale, threads, Spec, (spec, heldOut) =>
            {
                var ml = new MLContext(seed);
                var trainer = new Trainers(Trainers.ContextOf(ml, table.Featurizer with { Weights = null }, table.Rows, seed, threads, spec));
                return TrainingCancellation.Run(ml, () => trainer.Fit(learnt, heldOut, scale), cancel);
            });
            return (fitted.Model, scale, fitted.OutOfFold!);
        }
    }

    /// <summary>The rmse and mae to be expected of rows.</summary>
    public IReadOnlyDictionary<string, double> Estimate(FeatureTable table, int threads) => Metrics(
        Evaluation.Predict(Absolute, table, threads, Scales.Absolute), Evaluation.Predict(Squared, table, threads, Scales.Squared));

    /// <summary>No error is below 0, whatever a sum of trees says.</summary>
    private static Dictionary<string, double> Metrics(double[] absolute, double[] squared) => new()
    {
        ["rmse"] = Math.Sqrt(squared.Average(error => Math.Max(0, error))),
        ["mae"] = absolute.Average(error => Math.Max(0, error)),
    };
}

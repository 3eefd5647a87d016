using Microsoft.ML;
using MlOps.Explain.MLNet;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Training;

/// <param name="Model">What serves.</param>
/// <param name="OutOfFold">
/// Predictions of the training rows by models that did not learn from them, as <see cref="Evaluation.Predict"/> gives them; null: there were no folds.
/// </param>
/// <param name="Trees">Its number of trees, on average that of the folds; null where boosting does not stop early.</param>
internal sealed record Fitted(ITransformer Model, double[]? OutOfFold = null, int? Trees = null);

/// <summary>
/// Fits a candidate once for each fold, each stopping by the rows held out, and once more on all rows with as many trees as the folds took on average. A refit,
/// not an average of the folds' models: it serves at the speed of one model, and is explained as one.
/// </summary>
internal static class CrossValidation
{
    /// <summary>Fits a candidate on the training rows but those that are marked as held out; null: on all of them.</summary>
    public delegate ITransformer Fit(CandidateSpec spec, bool[]? heldOut);

    /// <param name="table">The training rows.</param>
    /// <param name="folds">Their parts; null, as of rows in the order of time: boosting stops by the inner split alone, and nothing is predicted.</param>
    /// <param name="scale">The unit in which models predict; null: the target's own.</param>
    /// <param name="threads">Threads to predict on.</param>
    /// <param name="spec">What is trained.</param>
    /// <param name="fit">Trains.</param>
    public static Fitted Run(FeatureTable table, Folds? folds, TargetScale? scale, int threads, CandidateSpec spec, Fit fit)
    {
        var outputs = table.Featurizer.Target.Outputs;
        var predictions = folds is null ? null : new double[table.Rows * outputs];
        var trees = new List<int>();
        IEnumerable<bool[]> parts = folds is not null
            ? Enumerable.Range(0, folds.Count).Select(folds.Held)
            : Trainers.WatchedOf(spec, table) is { } watched ? [watched] : [];
        foreach (var held in parts)
        {
            var model = fit(spec, held);
            if (Trainers.StopsEarly(spec))
            {
                trees.Add(TreesOf(model));
            }
            if (predictions is null)
            {
                continue;
            }
            var predicted = Evaluation.Predict(model, table, threads, scale);
            for (var row = 0; row < held.Length; row++)
            {
                if (held[row])
                {
                    predicted.AsSpan(row * outputs, outputs).CopyTo(predictions.AsSpan(row * outputs));
                }
            }
        }
        // Boosting may stop at no tree at all: then the mean is the best it has.
        var refit = trees.Count == 0 ? spec : spec with { Trees = Math.Max(1, (int)Math.Round(trees.Average())), EarlyStopping = 0 };
        return new Fitted(fit(refit, null), predictions, trees.Count == 0 ? null : refit.Trees);
    }

    /// <summary>Of several classes the mean: a class without rows has next to none.</summary>
    private static int TreesOf(ITransformer boosted)
    {
        var model = ModelParts.Of(boosted, FeatureView.Features).Model;
        return ClassModels.Of(model) is { } classes
            ? (int)Math.Round(classes.Select(one => one.Trees!.Roots.Length).Where(trees => trees > 1).DefaultIfEmpty(1).Average())
            : TreeEnsembleReader.Read(model)!.Roots.Length;
    }
}

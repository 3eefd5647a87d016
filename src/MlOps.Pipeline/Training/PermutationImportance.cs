using Microsoft.ML;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Training;

/// <summary>
/// How much worse a model predicts when one feature's values are shuffled among the rows, the mean of some shuffles (Breiman, 2001; as
/// scikit-learn's <c>permutation_importance</c>). In the unit of the metric: rmse for regression, auc for binary, log_loss for multiclass; larger is more
/// important, about 0 is not used.
/// </summary>
internal static class PermutationImportance
{
    private const int Repeats = 5;

    /// <returns>Importance of every feature, in the signature's order.</returns>
    /// <param name="model">The model.</param>
    /// <param name="table">The rows.</param>
    /// <param name="rows">Which of them.</param>
    /// <param name="scale">The unit in which the model predicts; null: the target's own.</param>
    /// <param name="threads">Threads to score on.</param>
    /// <param name="cancel">Stops it.</param>
    public static double[] Measure(ITransformer model, FeatureTable table, int[] rows, TargetScale? scale, int threads, CancellationToken cancel)
    {
        var (metric, larger) = DefinitionNames.Metrics[table.Featurizer.Target.Task].First();
        var sign = larger ? -1 : 1;
        var sample = table.Take(rows);
        var random = new Random(1);
        double Loss() => sign * Evaluation.Measure(model, sample, threads, scale)[metric];
        var before = Loss();
        int numbers = 0, codes = 0;
        var importances = new List<double>();
        foreach (var isCategory in table.Featurizer.Direct.Select(input => input.Categories is not null).Concat(table.Featurizer.Derived.Select(_ => false)))
        {
            var worse = isCategory ? Shuffled(sample.Codes, codes++) : Shuffled(sample.Numbers, numbers++);
            importances.Add(worse - before);
        }
        return [.. importances];

        double Shuffled<T>(T[][] columns, int column)
        {
            var own = columns[column];
            var sum = 0.0;
            for (var repeat = 0; repeat < Repeats; repeat++)
            {
                cancel.ThrowIfCancellationRequested();
                columns[column] = [.. own];
                random.Shuffle(columns[column]);
                sum += Loss();
            }
            columns[column] = own;
            return sum / Repeats;
        }
    }
}

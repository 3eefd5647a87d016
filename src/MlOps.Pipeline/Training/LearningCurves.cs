using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Trainers.FastTree;
using MlOps.Explain;
using MlOps.Explain.MLNet;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Training;

/// <summary>
/// Measures a model of trees by its first few trees, then more: staged predictions, as of scikit-learn's <c>staged_predict</c>. No training: the trees that are
/// there are added up one after the other. A forest's votes are counted as if its first trees were all.
/// </summary>
internal static class LearningCurves
{
    private const int MostPoints = 20;

    private const int MostRows = 4000;

    private const int FewestRows = 500;

    /// <summary>Trees times rows of a side: about a tenth of a second.</summary>
    private const int MostSteps = 1_000_000;

    /// <param name="stored">The model.</param>
    /// <param name="candidate">Its key.</param>
    /// <param name="train">Rows that it learnt from.</param>
    /// <param name="validation">Rows that it did not learn from.</param>
    /// <param name="metric">What is measured.</param>
    public static LearningCurve Of(StoredModel stored, string candidate, FeatureTable train, FeatureTable validation, string metric)
    {
        var none = new LearningCurve(candidate, metric, [], [], []);
        try
        {
            var parts = ModelParts.Of(stored.Transformer, FeatureView.Features);
            if (Stages.Of(parts) is not { } stages)
            {
                return none with { None = "This model is not made of trees that are added one after the other, so it has no learning curve." };
            }
            var most = stages.Trees;
            int[] counts = [.. Enumerable.Range(1, MostPoints).Select(i => (int)Math.Ceiling((double)most * i / MostPoints)).Distinct()];
            var rows = Math.Clamp(MostSteps / Math.Max(stages.AllTrees, 1), FewestRows, MostRows);
            var (of, with) = (Sample(train, rows), Sample(validation, rows));
            return none with
            {
                Trees = counts,
                Training = Measure(stages, parts, stored, of, counts, metric),
                Validation = Measure(stages, parts, stored, with, counts, metric),
                TrainingRows = of.Rows,
                ValidationRows = with.Rows,
            };
        }
        catch (NotSupportedException)
        {
            return none with { None = "The parts of this model are not known here, so it has no learning curve." };
        }
    }

    /// <summary>Every so many rows: tables may be in the order of time.</summary>
    private static FeatureTable Sample(FeatureTable table, int most) =>
        table.Rows <= most ? table : table.Take([.. Enumerable.Range(0, most).Select(row => (int)((long)row * table.Rows / most))]);

    private static double[] Measure(Stages stages, ModelParts parts, StoredModel stored, FeatureTable table, int[] counts, string metric)
    {
        var predictions = stages.Predict(Prepared(parts, table), counts, table.Rows);
        return
        [
            .. predictions.Select(raw => Evaluation.Beside(
                stored.Featurizer.Scale is { } scale ? Array.ConvertAll(raw, value => scale.FromModel(value)) : Array.ConvertAll(raw, value => (double)value),
                table).Metrics()[metric]),
        ];
    }

    /// <summary>The vectors that the trees look at: with missing values filled where ML.NET does that.</summary>
    private static IEnumerable<float[]> Prepared(ModelParts parts, FeatureTable table)
    {
        IDataView view = new FeatureView(table);
        foreach (var step in parts.Preparation)
        {
            view = step.Transform(view);
        }
        var column = view.Schema[FeatureView.Features];
        using var cursor = view.GetRowCursor([column]);
        var read = cursor.GetGetter<VBuffer<float>>(column);
        var values = default(VBuffer<float>);
        while (cursor.MoveNext())
        {
            read(ref values);
            yield return [.. values.DenseValues()];
        }
    }

    /// <summary>The trees of a model, one ensemble an output.</summary>
    /// <param name="Ensembles">The trees.</param>
    /// <param name="Links">How the sum of each becomes a probability; null: it is none.</param>
    /// <param name="Output">How several become the probabilities of classes; null: there is one.</param>
    /// <param name="IsForest">Whether each tree is a vote of its own: then fewer trees count for all.</param>
    private sealed record Stages(IReadOnlyList<TreeEnsemble> Ensembles, IReadOnlyList<LogOddsLink?> Links, ClassOutput? Output, bool IsForest)
    {
        public int Trees => Ensembles.Max(trees => trees.Roots.Length);

        public int AllTrees => Ensembles.Sum(trees => trees.Roots.Length);

        public static Stages? Of(ModelParts parts)
        {
            var stages = ClassModels.Of(parts.Model) is { } classes ? OfClasses(classes, ClassModels.OutputOf(parts.Model))
                : TreeEnsembleReader.Read(parts.Model) is { } trees
                    ? new Stages([trees], [parts.Link], null, parts.Model is FastForestRegressionModelParameters or FastForestBinaryModelParameters)
                    : null;
            return stages is { Trees: > 0 } ? stages : null;
        }

        private static Stages? OfClasses(IReadOnlyList<ClassModel> classes, ClassOutput output) => classes.Any(one => one.Trees is null)
            ? null
            : new Stages([.. classes.Select(one => one.Trees!)], [.. classes.Select(one => one.Link)], output, IsForest: false);

        /// <summary>Of each number of trees the predictions of all rows.</summary>
        public float[][] Predict(IEnumerable<float[]> rows, int[] counts, int count)
        {
            var outputs = Ensembles.Count;
            float[][] predictions = [.. counts.Select(_ => new float[count * outputs])];
            var sums = new double[counts.Length];
            foreach (var (row, place) in rows.Select((row, place) => (row, place)))
            {
                for (var output = 0; output < outputs; output++)
                {
                    var trees = Ensembles[output];
                    trees.PredictStages(row, counts, sums);
                    for (var stage = 0; stage < counts.Length; stage++)
                    {
                        var sum = IsForest ? sums[stage] * trees.Roots.Length / Math.Min(counts[stage], trees.Roots.Length) : sums[stage];
                        predictions[stage][(place * outputs) + output] = BlockPredictor.Output((float)sum, Links[output]);
                    }
                }
                for (var stage = 0; Output is { } output && stage < counts.Length; stage++)
                {
                    BlockPredictor.MakeProbabilities(predictions[stage].AsSpan(place * outputs, outputs), output);
                }
            }
            return predictions;
        }
    }
}

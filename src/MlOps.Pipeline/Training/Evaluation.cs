using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Scoring;

namespace MlOps.Pipeline.Training;

/// <summary>Scores a table with a model and measures how well.</summary>
internal static class Evaluation
{
    /// <summary>Fewer rows say too little to compare two models by.</summary>
    public const int FewestRows = 30;

    /// <inheritdoc cref="ScoredRows.Metrics"/>
    /// <param name="model">The model.</param>
    /// <param name="table">The rows.</param>
    /// <param name="threads">Threads to score on.</param>
    /// <param name="scale">The unit in which the model predicts; null: the target's own.</param>
    /// <exception cref="InputException">A prediction is no number; the sentence names the row.</exception>
    public static IReadOnlyDictionary<string, double> Measure(ITransformer model, FeatureTable table, int threads, TargetScale? scale = null) =>
        Score(model, table, threads, scale).Metrics();

    /// <summary>Predictions of all rows beside the truth.</summary>
    /// <inheritdoc cref="Measure"/>
    public static ScoredRows Score(ITransformer model, FeatureTable table, int threads, TargetScale? scale = null) =>
        Beside(Predict(model, table, threads, scale), table);

    /// <inheritdoc cref="Score"/>
    public static ScoredRows Beside(double[] predictions, FeatureTable table)
    {
        var target = table.Featurizer.Target;
        var odd = Array.FindIndex(predictions, prediction => !double.IsFinite(prediction));
        if (odd < 0)
        {
            return new ScoredRows(target.Task, table.Labels, predictions, table.Featurizer.Threshold) { Classes = target.Outputs };
        }
        var row = odd / target.Outputs;
        throw new InputException(string.Create(
            CultureInfo.InvariantCulture, $"The model's prediction of row {row + 1} of {table.Rows} is {predictions[odd]}, so nothing can be measured "
                + $"({Describe(table, row)})."));
    }

    /// <summary>The metric that decides: as declared, else the task's usual one; and whether larger is better.</summary>
    public static (string Name, bool LargerIsBetter) DecidingMetric(GateRules gates, TaskKind task)
    {
        var name = gates.Metric ?? DefinitionNames.Metrics[task].First().Key;
        return DefinitionNames.Metrics[task].TryGetValue(name, out var larger)
            ? (name, larger)
            : throw new InputException($"gates.metric is '{name}', which task {DefinitionNames.Tasks.NameOf(task)} does not have; use one of "
                + $"{string.Join(", ", DefinitionNames.Metrics[task].Keys)}.");
    }

    /// <summary>
    /// The predicted value of every row, in the target's unit, or its probability of being positive; of several classes, row after row, the probability of
    /// each.
    /// </summary>
    public static double[] Predict(ITransformer model, FeatureTable table, int threads, TargetScale? scale = null) =>
        InUnit(BlockPredictor.Of(model)?.Predict(table, threads) ?? PredictRowByRow(model, table, threads), scale);

    /// <summary>Predictions in the target's unit, of those in the model's.</summary>
    /// <param name="raw">In the unit in which the model predicts.</param>
    /// <param name="scale">Which that is; null: the target's own.</param>
    public static double[] InUnit(float[] raw, TargetScale? scale) =>
        scale is null ? Array.ConvertAll(raw, value => (double)value) : Array.ConvertAll(raw, value => scale.FromModel(value));

    /// <summary>The same by ML.NET itself, in the unit in which the model predicts.</summary>
    public static float[] PredictRowByRow(ITransformer model, FeatureTable table, int threads)
    {
        var view = model.Transform(new FeatureView(table));
        var outputs = table.Featurizer.Target.Outputs;
        var column = view.Schema[table.Featurizer.Target.Task == TaskKind.Binary ? "Probability" : "Score"];
        var predictions = new float[table.Rows * outputs];
        var cursors = view.GetRowCursorSet([column], threads);
        Parallel.ForEach(cursors, new ParallelOptions { MaxDegreeOfParallelism = threads }, cursor =>
        {
            using (cursor)
            {
                var read = table.Featurizer.Target.Classes is null ? One(cursor, column) : Many(cursor, column);
                var id = cursor.GetIdGetter();
                var rowId = default(DataViewRowId);
                while (cursor.MoveNext())
                {
                    id(ref rowId);
                    read(predictions.AsSpan((int)rowId.Low * outputs, outputs));
                }
            }
        });
        return predictions;
    }

    private delegate void ReadScores(Span<float> scores);

    private static ReadScores One(DataViewRow row, DataViewSchema.Column column)
    {
        var score = row.GetGetter<float>(column);
        return scores => score(ref scores[0]);
    }

    private static ReadScores Many(DataViewRow row, DataViewSchema.Column column)
    {
        var score = row.GetGetter<VBuffer<float>>(column);
        var values = default(VBuffer<float>);
        return scores =>
        {
            score(ref values);
            values.CopyTo(scores);
        };
    }

    private static string Describe(FeatureTable table, int row)
    {
        const int MostShown = 5;
        return string.Join(", ", table.Featurizer.NumberNames.Take(MostShown).Select(
            (name, i) => $"{name} = {table.Numbers[i][row].ToString("G6", CultureInfo.InvariantCulture)}"));
    }
}

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
        var odd = Array.FindIndex(predictions, prediction => !double.IsFinite(prediction));
        return odd < 0
            ? new ScoredRows(table.Featurizer.Target.Task, table.Labels, predictions, table.Featurizer.Threshold)
            : throw new InputException(string.Create(
                CultureInfo.InvariantCulture, $"The model's prediction of row {odd + 1} of {table.Rows} is {predictions[odd]}, so nothing can be measured "
                    + $"({Describe(table, odd)})."));
    }

    /// <summary>The metric that decides: as declared, else rmse or auc; and whether larger is better.</summary>
    public static (string Name, bool LargerIsBetter) DecidingMetric(GateRules gates, TaskKind task)
    {
        var name = gates.Metric ?? (task == TaskKind.Regression ? "rmse" : "auc");
        return DefinitionNames.Metrics[task].TryGetValue(name, out var larger)
            ? (name, larger)
            : throw new InputException($"gates.metric is '{name}', which task {DefinitionNames.Tasks.NameOf(task)} does not have; use one of "
                + $"{string.Join(", ", DefinitionNames.Metrics[task].Keys)}.");
    }

    /// <summary>The predicted value of every row, in the target's unit, or its probability of being positive.</summary>
    public static double[] Predict(ITransformer model, FeatureTable table, int threads, TargetScale? scale = null)
    {
        var raw = BlockPredictor.Of(model)?.Predict(table, threads) ?? PredictRowByRow(model, table, threads);
        return scale is null ? Array.ConvertAll(raw, value => (double)value) : Array.ConvertAll(raw, value => scale.FromModel(value));
    }

    /// <summary>The same by ML.NET itself, in the unit in which the model predicts.</summary>
    public static float[] PredictRowByRow(ITransformer model, FeatureTable table, int threads)
    {
        var view = model.Transform(new FeatureView(table));
        var column = view.Schema[table.Featurizer.Target.Task == TaskKind.Regression ? "Score" : "Probability"];
        var predictions = new float[table.Rows];
        var cursors = view.GetRowCursorSet([column], threads);
        Parallel.ForEach(cursors, new ParallelOptions { MaxDegreeOfParallelism = threads }, cursor =>
        {
            using (cursor)
            {
                var score = cursor.GetGetter<float>(column);
                var id = cursor.GetIdGetter();
                var value = 0f;
                var rowId = default(DataViewRowId);
                while (cursor.MoveNext())
                {
                    score(ref value);
                    id(ref rowId);
                    predictions[rowId.Low] = value;
                }
            }
        });
        return predictions;
    }

    private static string Describe(FeatureTable table, int row)
    {
        const int MostShown = 5;
        var names = table.Featurizer.Direct.Where(input => input.Categories is null).Select(input => input.Name)
            .Concat(table.Featurizer.Derived.Select(feature => feature.Name));
        return string.Join(", ", names.Take(MostShown).Select((name, i) => $"{name} = {table.Numbers[i][row].ToString("G6", CultureInfo.InvariantCulture)}"));
    }
}

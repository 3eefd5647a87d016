using Microsoft.ML;
using Microsoft.ML.Data;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Scoring;

namespace MlOps.Pipeline.Training;

/// <summary>Scores a table with a model and measures how well, with ML.NET's own evaluators.</summary>
internal static class Evaluation
{
    /// <summary>
    /// Regression: rmse, mae (in the target's unit), r2. Binary: auc, log_loss (nats a row), accuracy, f1, precision, recall at the
    /// featurizer's threshold, and that threshold.
    /// </summary>
    public static IReadOnlyDictionary<string, double> Measure(MLContext ml, ITransformer model, FeatureTable table, int threads) =>
        Measure(ml, Predict(model, table, threads), table);

    /// <inheritdoc cref="Measure(MLContext, ITransformer, FeatureTable, int)"/>
    public static IReadOnlyDictionary<string, double> Measure(MLContext ml, float[] predictions, FeatureTable table)
    {
        var scored = predictions.Zip(table.Labels, (score, label) => new ScoredRow { Label = label, Score = score });
        if (table.Featurizer.Target.Task == TaskKind.Regression)
        {
            var regression = ml.Regression.Evaluate(ml.Data.LoadFromEnumerable(scored), nameof(ScoredRow.Label), nameof(ScoredRow.Score));
            return new Dictionary<string, double>
            {
                ["rmse"] = regression.RootMeanSquaredError,
                ["mae"] = regression.MeanAbsoluteError,
                ["r2"] = regression.RSquared,
            };
        }
        var threshold = table.Featurizer.Threshold;
        var rows = scored.Select(row => new ScoredBinaryRow
        {
            Label = row.Label > 0.5f,
            Score = Margin(row.Score, threshold),
            Probability = Math.Clamp(row.Score, 1e-7f, 1 - 1e-7f),
            PredictedLabel = row.Score >= threshold,
        });
        var binary = ml.BinaryClassification.Evaluate(
            ml.Data.LoadFromEnumerable(rows), nameof(ScoredBinaryRow.Label), nameof(ScoredBinaryRow.Score), nameof(ScoredBinaryRow.Probability),
            nameof(ScoredBinaryRow.PredictedLabel));
        return new Dictionary<string, double>
        {
            ["auc"] = binary.AreaUnderRocCurve,
            ["log_loss"] = binary.LogLoss * Math.Log(2), // ML.NET counts bits.
            ["accuracy"] = binary.Accuracy,
            ["f1"] = binary.F1Score,
            ["precision"] = binary.PositivePrecision,
            ["recall"] = binary.PositiveRecall,
            ["threshold"] = threshold,
        };
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

    /// <summary>ML.NET's evaluator counts a row as predicted positive when its score is above zero, whatever the probability.</summary>
    private static float Margin(float probability, double threshold) =>
        probability >= threshold ? Math.Max((float)(probability - threshold), float.Epsilon) : (float)(probability - threshold);

    /// <summary>The predicted value of every row, or its probability of being positive.</summary>
    public static float[] Predict(ITransformer model, FeatureTable table, int threads) =>
        BlockPredictor.Of(model)?.Predict(table, threads) ?? PredictRowByRow(model, table, threads);

    /// <summary>The same by ML.NET itself.</summary>
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

    private sealed class ScoredRow
    {
        public float Label { get; set; }

        public float Score { get; set; }
    }

    private sealed class ScoredBinaryRow
    {
        public bool Label { get; set; }

        public float Score { get; set; }

        public float Probability { get; set; }

        public bool PredictedLabel { get; set; }
    }
}

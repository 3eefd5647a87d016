using Microsoft.ML;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Scoring;

namespace MlOps.Pipeline.Training;

/// <summary>Holds what scores tables and requests to ML.NET's own output.</summary>
internal static class ScorerCheck
{
    /// <summary>The largest difference that is none: what single precision leaves of a sum of exponentials.</summary>
    public const double Tolerance = 1e-5;

    private const int MostRows = 10_000;

    /// <summary>Smaller probabilities are compared as if they were as large: their last digits mean nothing.</summary>
    private const double SmallProbability = 1e-3;

    /// <summary>Predictions of a table in the model's unit, and by how much those of our code differ most from ML.NET's, relative to the larger of the two.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="table">The rows; of more than 10,000, those at equal distances are compared.</param>
    /// <param name="threads">Threads to score on.</param>
    /// <returns>ML.NET's predictions and 0 where our code makes none; ML.NET's where it differs by more than <see cref="Tolerance"/>.</returns>
    public static (float[] Predictions, double Difference) Predict(ITransformer model, FeatureTable table, int threads)
    {
        if (BlockPredictor.Of(model)?.Predict(table, threads) is not { } ours)
        {
            return (Evaluation.PredictRowByRow(model, table, threads), 0);
        }
        var (outputs, compared) = (table.Featurizer.Target.Outputs, Math.Min(table.Rows, MostRows));
        int[] rows = [.. Enumerable.Range(0, compared).Select(place => (int)((long)place * table.Rows / compared))];
        var difference = LargestDifference(
            [.. rows.SelectMany(row => new ArraySegment<float>(ours, row * outputs, outputs))],
            Evaluation.PredictRowByRow(model, compared == table.Rows ? table : table.Take(rows), threads),
            table.Featurizer.Target.Task == TaskKind.Regression ? 0 : SmallProbability);
        return (difference <= Tolerance ? ours : Evaluation.PredictRowByRow(model, table, threads), difference);
    }

    /// <param name="ours">What our code says.</param>
    /// <param name="theirs">What ML.NET says of the same.</param>
    /// <param name="smallest">Numbers below are compared as if they were as large.</param>
    public static double LargestDifference(ReadOnlySpan<float> ours, ReadOnlySpan<float> theirs, double smallest)
    {
        var largest = 0.0;
        for (var place = 0; place < ours.Length; place++)
        {
            var (a, b) = ((double)ours[place], (double)theirs[place]);
            // NaN is the same as NaN, and an infinity as itself.
            if (!a.Equals(b))
            {
                var difference = Math.Abs(a - b) / Math.Max(smallest, Math.Max(Math.Abs(a), Math.Abs(b)));
                largest = Math.Max(largest, double.IsNaN(difference) ? double.PositiveInfinity : difference);
            }
        }
        return largest;
    }
}

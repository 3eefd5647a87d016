using MathNet.Numerics.Statistics;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Reports.Card;

/// <summary>Predictions of the validation rows beside the truth.</summary>
/// <param name="Task">What was learned.</param>
/// <param name="Labels">The truth: the target's value, 1 for positive and 0 for negative, or the place of the class.</param>
/// <param name="Predictions">The predicted value, the probability of positive, or row after row the probability of each class.</param>
public sealed record Performance(TaskKind Task, double[] Labels, double[] Predictions)
{
    /// <summary>Multiclass: how often which class was taken for which; null: another task.</summary>
    public ConfusionMatrix? Confusion { get; init; }

    /// <summary>
    /// The receiver operating characteristic: false and true positive rate at every threshold, from (0, 0) to (1, 1), thinned to at most
    /// <paramref name="most"/> points. Rows of equal probability make one step (Fawcett 2006, algorithm 1).
    /// </summary>
    public IReadOnlyList<(double FalsePositives, double TruePositives)> Roc(int most)
    {
        var order = Enumerable.Range(0, Labels.Length).OrderByDescending(row => Predictions[row]).ToArray();
        var positives = Labels.Count(label => label > 0.5);
        var negatives = Labels.Length - positives;
        var points = new List<(double, double)> { (0, 0) };
        var (hits, alarms) = (0, 0);
        for (var i = 0; i < order.Length; i++)
        {
            _ = Labels[order[i]] > 0.5 ? hits++ : alarms++;
            if (i + 1 == order.Length || Predictions[order[i + 1]] != Predictions[order[i]])
            {
                points.Add((Rate(alarms, negatives), Rate(hits, positives)));
            }
        }
        return points.Count <= most ? points : [.. Enumerable.Range(0, most).Select(i => points[(int)((long)i * (points.Count - 1) / (most - 1))])];
    }

    /// <summary>Mean predicted probability and observed share of positives in tenths of the rows, ordered by probability.</summary>
    public IReadOnlyList<(double Predicted, double Observed)> Calibration(int groups = 10)
    {
        var order = Enumerable.Range(0, Labels.Length).OrderBy(row => Predictions[row]).ToArray();
        var size = Math.Max(1, (order.Length + groups - 1) / groups);
        return [.. order.Chunk(size).Select(rows => (rows.Average(row => Predictions[row]), rows.Average(row => Labels[row])))];
    }

    /// <summary>Prediction minus truth of every row.</summary>
    public double[] Residuals() => [.. Predictions.Zip(Labels, (prediction, label) => prediction - label)];

    /// <summary>
    /// Counts of residuals in equal bins over the middle 99 percent; the rest is counted in the outermost bins, so that one outlier does not
    /// squeeze all others into one bin.
    /// </summary>
    public (double[] Centres, double[] Counts, double Width) ResidualHistogram(int bins = 40)
    {
        var residuals = Residuals();
        var (low, high) = (residuals.Quantile(0.005), residuals.Quantile(0.995));
        if (high - low < 1e-9)
        {
            (low, high) = (low - 0.5, high + 0.5);
        }
        var width = (high - low) / bins;
        var counts = new double[bins];
        foreach (var residual in residuals)
        {
            counts[Math.Clamp((int)((residual - low) / width), 0, bins - 1)]++;
        }
        return ([.. Enumerable.Range(0, bins).Select(i => low + ((i + 0.5) * width))], counts, width);
    }

    private static double Rate(int count, int all) => all == 0 ? 0 : (double)count / all;
}

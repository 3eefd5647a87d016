using Microsoft.ML;
using MlOps.Explain.MLNet;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Training;

/// <summary>
/// Makes probabilities what they say: log-odds times a slope, plus an offset (Platt, Probabilistic Outputs for Support Vector Machines, 1999; fitted as Lin,
/// Lin and Weng, A Note on Platt's Probabilistic Outputs, 2007). The order of rows stays, and so do exact SHAP values, which are log-odds after it.
/// </summary>
/// <param name="Slope">Below 1 where the model is too sure of itself.</param>
/// <param name="Offset">What is added to the log-odds.</param>
internal sealed record PlattScaling(double Slope, double Offset)
{
    private const double LeastProbability = 1e-7;
    private const int MostSteps = 100;
    private const int MostRows = 100_000;

    /// <summary>By how much it must lower the log loss to be worth a step more: less is noise.</summary>
    private const double Better = 0.999;

    /// <summary>
    /// A scaling that lowers the log loss of out-of-fold predictions, and the predictions after it; null where none does. Both are judged by scalings that were
    /// fitted on the other folds.
    /// </summary>
    public static (PlattScaling Scaling, double[] OutOfFold)? Find(double[] predictions, double[] labels, Folds folds)
    {
        var scaled = new double[predictions.Length];
        for (var part = 0; part < folds.Count; part++)
        {
            var held = folds.Held(part);
            if (Fit(predictions, labels, row => !held[row]) is not { } other)
            {
                return null;
            }
            for (var row = 0; row < held.Length; row++)
            {
                scaled[row] = held[row] ? other.Of(predictions[row]) : scaled[row];
            }
        }
        return LogLoss(scaled, labels) < Better * LogLoss(predictions, labels) && Fit(predictions, labels, _ => true) is { } all ? (all, scaled) : null;
    }

    /// <summary>
    /// A scaling that lowers the log loss of rows that the model was not fitted on, judged across fifths of them; null where none does. Of many rows an even
    /// choice says enough about two numbers.
    /// </summary>
    public static PlattScaling? Find(ScoredRows unlearnt)
    {
        const int Parts = 5;
        var step = 1 + ((unlearnt.Labels.Length - 1) / MostRows);
        var rows = Enumerable.Range(0, (unlearnt.Labels.Length + step - 1) / step).ToList();
        return Find(
            [.. rows.Select(row => unlearnt.Scores[row * step])], [.. rows.Select(row => unlearnt.Labels[row * step])],
            new Folds(Parts, [.. rows.Select(row => row % Parts)]))?.Scaling;
    }

    public double Of(double probability) => Logistic((Slope * LogOdds(probability)) + Offset);

    /// <summary>A model that gives these probabilities; null where the log-odds of the given one are no linear function of its score.</summary>
    public ITransformer? AppendTo(MLContext ml, ITransformer model, FeatureTable table)
    {
        LogOddsLink? link;
        try
        {
            link = ModelParts.Of(model, FeatureView.Features).Link;
        }
        catch (NotSupportedException)
        {
            return null;
        }
        if (link is null)
        {
            return null;
        }
        // ML.NET's probability is 1 / (1 + exp(slope · score + offset)).
        var platt = ml.BinaryClassification.Calibrators.Platt(-(Slope * link.Slope), -((Slope * link.Offset) + Offset));
        return new Microsoft.ML.Data.TransformerChain<ITransformer>(model, platt.Fit(model.Transform(new FeatureView(table))));
    }

    /// <summary>Newton's method on the log loss, with targets that allow for a row more of each class; null where the order of rows would turn.</summary>
    private static PlattScaling? Fit(double[] predictions, double[] labels, Func<int, bool> which)
    {
        var rows = Enumerable.Range(0, predictions.Length).Where(which).Select(row => (X: LogOdds(predictions[row]), IsPositive: labels[row] > 0.5)).ToList();
        var positives = rows.Count(row => row.IsPositive);
        var (high, low) = ((positives + 1.0) / (positives + 2), 1.0 / (rows.Count - positives + 2));
        var (slope, offset) = (1.0, 0.0);
        for (var step = 0; step < MostSteps; step++)
        {
            double g1 = 0, g2 = 0, h11 = 1e-12, h12 = 0, h22 = 1e-12;
            foreach (var (x, isPositive) in rows)
            {
                var p = Logistic((slope * x) + offset);
                var (error, weight) = (p - (isPositive ? high : low), p * (1 - p));
                (g1, g2) = (g1 + (error * x), g2 + error);
                (h11, h12, h22) = (h11 + (weight * x * x), h12 + (weight * x), h22 + weight);
            }
            var determinant = (h11 * h22) - (h12 * h12);
            var (down, across) = (((h22 * g1) - (h12 * g2)) / determinant, ((h11 * g2) - (h12 * g1)) / determinant);
            // Far from its end Newton's method may leap too far.
            var most = Math.Max(Math.Abs(down), Math.Abs(across));
            var damped = most > 1 ? 1 / most : 1;
            (slope, offset) = (slope - (damped * down), offset - (damped * across));
            if (!(most > 1e-10))
            {
                break;
            }
        }
        return slope > 0 && double.IsFinite(slope) && double.IsFinite(offset) ? new PlattScaling(slope, offset) : null;
    }

    private static double LogLoss(double[] predictions, double[] labels) =>
        new ScoredRows(Definitions.TaskKind.Binary, labels, predictions, 0.5).Metrics()["log_loss"];

    private static double LogOdds(double probability)
    {
        var inside = Math.Clamp(probability, LeastProbability, 1 - LeastProbability);
        return Math.Log(inside / (1 - inside));
    }

    private static double Logistic(double logOdds) => 1 / (1 + Math.Exp(-logOdds));
}

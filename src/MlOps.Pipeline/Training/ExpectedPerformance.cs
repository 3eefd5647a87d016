using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Scoring;

namespace MlOps.Pipeline.Training;

/// <summary>
/// The performance of a classifier that its own probabilities let one expect, without the truth: confidence-based performance estimation (CBPE; Białek,
/// Kuberski, Perrakis and Bifet, Estimating Model Performance Under Covariate Shift Without Labels, 2024; NannyML). A row whose calibrated probability is p
/// counts p as positive and 1 − p as negative, so that the expected confusion matrix, and every metric of it, follows. It holds while what is predicted
/// follows from the features as it did: where that changes (concept drift), probabilities are wrong and nothing here shows it.
/// </summary>
internal static class ExpectedPerformance
{
    /// <summary>Folds of validation rows by which a calibration is judged.</summary>
    private const int Parts = 5;

    /// <summary>
    /// Calibrations that lower the log loss on rows that they did not learn from; <see cref="Calibration.None"/> where none does. Two parameters a class, in
    /// place of NannyML's isotonic regression: validation rows may be few hundred.
    /// </summary>
    /// <param name="rows">Predictions beside the truth.</param>
    public static IReadOnlyList<Calibration> Calibrate(ScoredRows rows)
    {
        var folds = new Folds(Parts, [.. Enumerable.Range(0, rows.Count).Select(row => row % Parts)]);
        return rows.Task == TaskKind.Binary ? [Find(rows)] : [.. Enumerable.Range(0, rows.Classes).Select(place => Find(rows.OneAgainstOthers(place)))];

        Calibration Find(ScoredRows one) =>
            PlattScaling.Find(one.Scores, one.Labels, folds) is { } found ? new Calibration(found.Scaling.Slope, found.Scaling.Offset) : Calibration.None;
    }

    /// <summary>Probabilities after calibration; of several classes those of a row add up to 1.</summary>
    public static double[] Calibrated(ScoredRows rows, IReadOnlyList<Calibration> calibrations)
    {
        var scalings = calibrations.Select(one => one == Calibration.None ? null : new PlattScaling(one.Slope, one.Offset)).ToList();
        double[] probabilities = [.. rows.Scores.Select((score, i) => scalings[i % rows.Classes]?.Of(score) ?? score)];
        for (var row = 0; rows.Classes > 1 && row < rows.Count; row++)
        {
            var own = probabilities.AsSpan(row * rows.Classes, rows.Classes);
            var sum = 0.0;
            foreach (var probability in own)
            {
                sum += probability;
            }
            for (var place = 0; sum > 0 && place < own.Length; place++)
            {
                own[place] /= sum;
            }
        }
        return probabilities;
    }

    /// <summary>The expected value of every metric of the task (see <see cref="ScoredRows.Metrics"/>).</summary>
    /// <param name="rows">What the model says; labels are not looked at.</param>
    /// <param name="probabilities">Calibrated, as many as there are scores.</param>
    public static IReadOnlyDictionary<string, double> Of(ScoredRows rows, double[] probabilities)
    {
        var sums = new double[RowSums.LengthOf(rows)];
        for (var row = 0; row < rows.Count; row++)
        {
            RowSums.AddExpected(rows, row, probabilities.AsSpan(row * rows.Classes, rows.Classes), sums);
        }
        return DefinitionNames.Metrics[rows.Task].Keys
            .ToDictionary(name => name, name => name == "auc" ? Auc(rows, probabilities) : RowSums.Metric(name, sums));
    }

    private static double Auc(ScoredRows rows, double[] probabilities)
    {
        if (rows.Classes == 1)
        {
            return Auc(rows.Scores, probabilities);
        }
        return Enumerable.Range(0, rows.Classes).Select(place => Auc(Column(rows.Scores, place), Column(probabilities, place))).Where(double.IsFinite)
            .DefaultIfEmpty(double.NaN).Average();

        double[] Column(double[] values, int place) => [.. Enumerable.Range(0, rows.Count).Select(row => values[(row * rows.Classes) + place])];
    }

    /// <summary>The share of pairs of a positive and a negative row that scores order right, each row being both by its probability; equal ones count half.
    /// </summary>
    private static double Auc(double[] scores, double[] probabilities)
    {
        var order = Enumerable.Range(0, scores.Length).OrderBy(row => scores[row]).ToArray();
        double negativesBelow = 0, right = 0, positives = 0;
        for (var start = 0; start < order.Length;)
        {
            double tiedPositives = 0, tiedNegatives = 0;
            var end = start;
            for (; end < order.Length && scores[order[end]] == scores[order[start]]; end++)
            {
                tiedPositives += probabilities[order[end]];
                tiedNegatives += 1 - probabilities[order[end]];
            }
            right += tiedPositives * (negativesBelow + (tiedNegatives / 2));
            (positives, negativesBelow, start) = (positives + tiedPositives, negativesBelow + tiedNegatives, end);
        }
        return right / (positives * negativesBelow);
    }
}

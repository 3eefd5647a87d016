using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Training;

/// <summary>Predictions beside the truth, all in double precision.</summary>
/// <param name="Task">What was learned.</param>
/// <param name="Labels">The target's value, 1 for positive and 0 for negative, or the place of the class; NaN: a class that the model does not know.</param>
/// <param name="Scores">The predicted value, the probability of positive, or row after row the probability of each class.</param>
/// <param name="Threshold">Binary: probability at and above which a row is predicted positive.</param>
internal sealed record ScoredRows(TaskKind Task, double[] Labels, double[] Scores, double Threshold)
{
    private const double LeastProbability = 1e-7;

    /// <summary>Numbers that the prediction of a row consists of.</summary>
    public int Classes { get; init; } = 1;

    public int Count => Labels.Length;

    /// <summary>
    /// Regression: rmse, mae (in the target's unit), r2. Binary: auc, log_loss (nats a row), brier, accuracy, f1, precision, recall at the threshold, and
    /// that threshold. Multiclass: log_loss, accuracy, f1 as the mean over the classes that occur (macro) and weighted by their rows, auc of one class against
    /// all others as the mean over classes (Hand and Till, 2001, discuss it; as scikit-learn's <c>roc_auc_score(multi_class="ovr")</c>). NaN where the rows do
    /// not say, such as an r2 of equal targets.
    /// </summary>
    public IReadOnlyDictionary<string, double> Metrics()
    {
        var sums = new double[RowSums.LengthOf(this)];
        RowSums.Add(this, 0, Count, sums);
        var metrics = DefinitionNames.Metrics[Task].Keys
            .ToDictionary(name => name, name => name == "auc" ? RankStatistics.Auc(this) : RowSums.Metric(name, sums));
        if (Task == TaskKind.Binary)
        {
            metrics["threshold"] = Threshold;
        }
        return metrics;
    }

    /// <summary>Loss of a row in nats; a probability of 0 or 1 counts as one that is nearly so.</summary>
    public double LogLoss(int row) => LogLoss(row, Labels[row]);

    /// <summary>The loss that the row would have if its label were another.</summary>
    public double LogLoss(int row, double label)
    {
        if (Task == TaskKind.Multiclass)
        {
            return double.IsNaN(label) ? -Math.Log(LeastProbability) : -Math.Log(Math.Max(Of(row)[(int)label], LeastProbability));
        }
        var probability = Math.Clamp(Scores[row], LeastProbability, 1 - LeastProbability);
        return label > 0.5 ? -Math.Log(probability) : -double.LogP1(-probability);
    }

    /// <summary>The numbers that the prediction of a row consists of.</summary>
    public ReadOnlySpan<double> Of(int row) => Scores.AsSpan(row * Classes, Classes);

    /// <summary>Multiclass: the place of the most probable class; of equal ones the first.</summary>
    public int Predicted(int row) => ClassProbabilities.MostProbable(Of(row));

    /// <summary>Some of the rows.</summary>
    /// <param name="marked">Those that are marked.</param>
    public ScoredRows Take(bool[] marked)
    {
        int[] rows = [.. Enumerable.Range(0, Count).Where(row => marked[row])];
        return this with { Labels = Array.ConvertAll(rows, row => Labels[row]), Scores = [.. rows.SelectMany(row => Of(row).ToArray())] };
    }

    /// <summary>One class against all others.</summary>
    public ScoredRows OneAgainstOthers(int place) => new(
        TaskKind.Binary, Array.ConvertAll(Labels, label => label == place ? 1.0 : 0), [.. Enumerable.Range(0, Count).Select(row => Of(row)[place])], 0.5);
}

/// <summary>Sums over rows of which every metric but the AUC is a function: what a bootstrap draws again and again.</summary>
internal static class RowSums
{
    /// <summary>The sums that do not belong to one class.</summary>
    private const int Common = 7;

    /// <summary>Of each class: its rows, those predicted as it, and those of both.</summary>
    private const int OfClass = 3;

    /// <summary>How many sums there are.</summary>
    public static int LengthOf(ScoredRows rows) => rows.Task == TaskKind.Multiclass ? Common + (OfClass * rows.Classes) : Common;

    /// <summary>Adds the rows of a range.</summary>
    public static void Add(ScoredRows rows, int start, int end, Span<double> sums)
    {
        // Targets counted from the first one, so that their squares keep the digits that matter.
        var origin = rows.Count > 0 ? rows.Labels[0] : 0;
        for (var row = start; row < end; row++)
        {
            sums[0]++;
            switch (rows.Task)
            {
                case TaskKind.Regression:
                    AddValue(rows.Scores[row] - rows.Labels[row], rows.Labels[row] - origin, sums);
                    break;
                case TaskKind.Binary:
                    sums[1] += rows.LogLoss(row);
                    AddDecision(rows.Labels[row] > 0.5, rows.Scores[row] >= rows.Threshold, sums);
                    // Brier, Verification of Forecasts Expressed in Terms of Probability, 1950.
                    sums[6] += (rows.Scores[row] - rows.Labels[row]) * (rows.Scores[row] - rows.Labels[row]);
                    break;
                default:
                    sums[1] += rows.LogLoss(row);
                    AddClass(rows.Labels[row], rows.Predicted(row), sums);
                    break;
            }
        }
    }

    /// <summary>Adds a row whose class is not known, but how probable each is: what a row of each would add, by its probability.</summary>
    /// <param name="rows">What the model says of rows of two classes or more.</param>
    /// <param name="row">Which one.</param>
    /// <param name="probabilities">Of two classes that of the positive one, of more that of each.</param>
    /// <param name="sums">Takes what is added.</param>
    public static void AddExpected(ScoredRows rows, int row, ReadOnlySpan<double> probabilities, Span<double> sums)
    {
        sums[0]++;
        if (rows.Task == TaskKind.Binary)
        {
            var (score, positive) = (rows.Scores[row], probabilities[0]);
            var isPredicted = score >= rows.Threshold;
            sums[1] += (positive * rows.LogLoss(row, 1)) + ((1 - positive) * rows.LogLoss(row, 0));
            sums[2] += isPredicted ? positive : 1 - positive;
            sums[3] += isPredicted ? positive : 0;
            sums[4] += isPredicted ? 1 - positive : 0;
            sums[5] += isPredicted ? 0 : positive;
            sums[6] += (positive * (1 - score) * (1 - score)) + ((1 - positive) * score * score);
            return;
        }
        var predicted = rows.Predicted(row);
        sums[2] += probabilities[predicted];
        sums[Common + (OfClass * predicted) + 1]++;
        sums[Common + (OfClass * predicted) + 2] += probabilities[predicted];
        for (var place = 0; place < probabilities.Length; place++)
        {
            sums[1] += probabilities[place] * rows.LogLoss(row, place);
            sums[Common + (OfClass * place)] += probabilities[place];
        }
    }

    private static void AddValue(double error, double label, Span<double> sums)
    {
        sums[1] += error * error;
        sums[2] += Math.Abs(error);
        sums[3] += label;
        sums[4] += label * label;
    }

    private static void AddDecision(bool positive, bool predicted, Span<double> sums)
    {
        sums[2] += positive == predicted ? 1 : 0;
        sums[3] += positive && predicted ? 1 : 0;
        sums[4] += !positive && predicted ? 1 : 0;
        sums[5] += positive && !predicted ? 1 : 0;
    }

    private static void AddClass(double label, int predicted, Span<double> sums)
    {
        sums[2] += label == predicted ? 1 : 0;
        sums[Common + (OfClass * predicted) + 1]++;
        if (double.IsNaN(label))
        {
            return;
        }
        sums[Common + (OfClass * (int)label)]++;
        sums[Common + (OfClass * predicted) + 2] += label == predicted ? 1 : 0;
    }

    /// <summary>The metric of the rows that were added; NaN where they do not say.</summary>
    public static double Metric(string name, ReadOnlySpan<double> sums)
    {
        var rows = sums[0];
        return name switch
        {
            "rmse" => Math.Sqrt(sums[1] / rows),
            "mae" => sums[2] / rows,
            "r2" => R2(sums),
            "log_loss" => sums[1] / rows,
            "brier" => sums[6] / rows,
            "accuracy" => sums[2] / rows,
            "precision" => Share(sums[3], sums[4]),
            "recall" => Share(sums[3], sums[5]),
            "f1" => 2 * sums[3] / ((2 * sums[3]) + sums[4] + sums[5]) is var f1 && double.IsNaN(f1) ? 0 : f1,
            "f1_macro" => F1OfClasses(sums[Common..], weighted: false),
            "f1_weighted" => F1OfClasses(sums[Common..], weighted: true),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "It is no sum over rows."),
        };
    }

    /// <summary>The mean of the classes' F1 over those that occur or are predicted, each counted once or by its rows.</summary>
    private static double F1OfClasses(ReadOnlySpan<double> classes, bool weighted)
    {
        var (sum, weights) = (0.0, 0.0);
        for (var place = 0; place < classes.Length; place += OfClass)
        {
            var (rows, predicted, both) = (classes[place], classes[place + 1], classes[place + 2]);
            if (rows + predicted > 0)
            {
                var weight = weighted ? rows : 1;
                sum += weight * 2 * both / (rows + predicted);
                weights += weight;
            }
        }
        return sum / weights;
    }

    private static double R2(ReadOnlySpan<double> sums)
    {
        var spread = sums[4] - (sums[3] * sums[3] / sums[0]);
        return spread > 0 ? 1 - (sums[1] / spread) : double.NaN;
    }

    private static double Share(double hits, double misses) => hits + misses > 0 ? hits / (hits + misses) : 0;
}

using System.Globalization;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Training;

/// <summary>
/// What predicts the same for every row: the mean of the training rows' target, or for classes their shares there, of which the most frequent one is the
/// predicted class. A model that is not better has learnt nothing.
/// </summary>
internal static class Baseline
{
    /// <summary>A sum over several threads differs in its last digits from run to run.</summary>
    private const string Digits = "G10";

    /// <summary>Mean of a table's target, for binary the share of positives, of several classes the share of each; NaN where no row has one.</summary>
    public static double[] Of(DuckDbSession session, LocalTable train, TargetColumn target)
    {
        var label = FeatureTableSql.LabelSql(train.Manifest.Columns.Single(column => column.Name == target.Name), target);
        if (target.Classes is not { } classes)
        {
            return [Rounded(session.Scalar($"SELECT avg({label}) FROM {train.ToSql()}") as double? ?? double.NaN)];
        }
        var shares = new double[classes.Count];
        foreach (var row in session.Rows($"SELECT {label}, count(*) FROM {train.ToSql()} GROUP BY 1").Where(row => row[0] is not null))
        {
            shares[(int)(double)row[0]!] = Convert.ToDouble(row[1], CultureInfo.InvariantCulture) / train.Manifest.Rows;
        }
        return shares;
    }

    private static double Rounded(double mean) => double.Parse(mean.ToString(Digits, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    /// <summary>Its predictions of the rows that a model was measured by.</summary>
    public static ScoredRows Beside(ScoredRows rows, double[] baseline) =>
        rows with { Scores = [.. Enumerable.Range(0, rows.Count).SelectMany(_ => baseline)], Threshold = 0.5 };

    /// <summary>What it predicts, in words.</summary>
    public static string Describe(TargetColumn target, double[] baseline) => target.Task switch
    {
        TaskKind.Regression => $"the training mean of '{target.Name}'",
        TaskKind.Binary => $"the most frequent class '{(baseline[0] >= 0.5 ? target.Positive : target.Negative)}'",
        _ => $"the most frequent class '{target.Classes![ClassProbabilities.MostProbable(baseline)]}'",
    };
}

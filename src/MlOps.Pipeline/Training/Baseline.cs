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

    /// <summary>Mean of a table's target, for binary the share of positives; NaN where no row has one.</summary>
    public static double MeanOf(DuckDbSession session, LocalTable train, TargetColumn target)
    {
        var column = train.Manifest.Columns.Single(column => column.Name == target.Name);
        var mean = session.Scalar($"SELECT avg({FeatureTableSql.LabelSql(column, target)}) FROM {train.ToSql()}") as double? ?? double.NaN;
        return double.Parse(mean.ToString(Digits, System.Globalization.CultureInfo.InvariantCulture), System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Its predictions of the rows that a model was measured by.</summary>
    public static ScoredRows Beside(ScoredRows rows, double mean)
    {
        var constant = new double[rows.Count];
        Array.Fill(constant, mean);
        return new ScoredRows(rows.Task, rows.Labels, constant, Threshold: 0.5);
    }

    /// <summary>What it predicts, in words.</summary>
    public static string Describe(TargetColumn target, double mean) => target.Task == TaskKind.Regression
        ? $"the training mean of '{target.Name}'"
        : $"the most frequent class '{(mean >= 0.5 ? target.Positive : target.Negative)}'";
}

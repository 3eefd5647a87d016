using System.Globalization;

namespace MlOps.Pipeline.Tracking;

/// <summary>
/// Metrics of each fold of cross-validation, such as <c>fold_1.rmse</c>: of the rows that were held out, by the model that did not learn from them. How far
/// they lie apart says how much of a difference between two candidates is chance.
/// </summary>
public static class FoldMetrics
{
    private const string Prefix = "fold_";

    /// <param name="fold">The fold, from 1.</param>
    /// <param name="metric">The metric's name.</param>
    public static string NameOf(int fold, string metric) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{fold}.{metric}");

    /// <summary>Whether a candidate's metric is one of a fold.</summary>
    /// <param name="name">Its name, without the candidate's.</param>
    public static bool IsOne(string name) => Read(name) is not null;

    /// <summary>The fold, from 1, and the metric; null where it is none of a fold.</summary>
    /// <param name="name">A metric's name, without the candidate's.</param>
    public static (int Fold, string Metric)? Read(string name) =>
        name.StartsWith(Prefix, StringComparison.Ordinal) && name.Split('.', 2) is [var fold, var metric]
            && int.TryParse(fold.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? (number, metric)
            : null;
}

namespace MlOps.Pipeline.Training;

/// <summary>How well a model predicts the rows of each group of a column.</summary>
/// <param name="Column">The column.</param>
/// <param name="Metric">The metric that decides.</param>
/// <param name="Rows">Which rows were measured, in words.</param>
/// <param name="Groups">The groups, most rows first; those that are too small stand together as the last one.</param>
/// <param name="TooFew">Rows of groups that are too small even together, and are not measured.</param>
/// <param name="Disparities">Binary: how differently groups are treated; null for regression, and where there is one group.</param>
public sealed record SliceReport(
    string Column, string Metric, string Rows, IReadOnlyList<SliceGroup> Groups, long TooFew, Disparities? Disparities)
{
    /// <summary>The file of a run that has them all.</summary>
    public const string FileName = "slices.json";

    /// <summary>The group that is predicted worst; null where none could be measured.</summary>
    public SliceGroup? Worst(bool largerIsBetter)
    {
        var measured = Groups.Where(group => double.IsFinite(group.Metrics[Metric]));
        return largerIsBetter ? measured.MinBy(group => group.Metrics[Metric]) : measured.MaxBy(group => group.Metrics[Metric]);
    }
}

/// <summary>The rows of a group.</summary>
/// <param name="Name">The column's value, in words.</param>
/// <param name="Rows">How many rows.</param>
/// <param name="Metrics">Their metrics by plain name; for binary also selection_rate, true_positive_rate and false_positive_rate at the threshold.</param>
/// <param name="Interval">95 % interval of the deciding metric; null where the rows say too little.</param>
public sealed record SliceGroup(string Name, int Rows, IReadOnlyDictionary<string, double> Metrics, Interval? Interval);

/// <summary>
/// How differently groups are treated, as Fairlearn measures it (Bird et al., Fairlearn: A Toolkit for Assessing and Improving Fairness in AI, 2020; Hardt,
/// Price and Srebro, Equality of Opportunity in Supervised Learning, 2016).
/// </summary>
/// <param name="SelectionRateDifference">Largest minus smallest share of rows that are predicted positive (demographic_parity_difference).</param>
/// <param name="SelectionRateRatio">Smallest divided by largest (demographic_parity_ratio).</param>
/// <param name="EqualizedOddsDifference">The larger of the differences of true and false positive rates (equalized_odds_difference).</param>
public sealed record Disparities(double SelectionRateDifference, double SelectionRateRatio, double EqualizedOddsDifference);

using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Training;

/// <summary>The group of each row of a table.</summary>
/// <param name="Column">The column.</param>
/// <param name="Names">The groups that are large enough, most rows first.</param>
/// <param name="Codes">Of each row the place of its group; −1: a group that is too small.</param>
/// <param name="Small">How many groups are too small.</param>
internal sealed record Slices(string Column, IReadOnlyList<string> Names, int[] Codes, int Small);

/// <summary>Measures groups of rows.</summary>
internal static class SliceMetrics
{
    public const string SelectionRate = "selection_rate";
    public const string TruePositiveRate = "true_positive_rate";
    public const string FalsePositiveRate = "false_positive_rate";

    /// <param name="scored">All rows.</param>
    /// <param name="slices">Their groups.</param>
    /// <param name="metric">The metric that decides.</param>
    /// <param name="rows">What the rows are, in words.</param>
    public static SliceReport Measure(ScoredRows scored, Slices slices, string metric, string rows)
    {
        var groups = Enumerable.Range(0, slices.Names.Count).Select(code => Group(slices.Names[code], Of(scored, slices, code), metric)).ToList();
        var others = Of(scored, slices, -1);
        var isMeasured = others.Count >= Evaluation.FewestRows;
        if (isMeasured)
        {
            groups.Add(Group($"{slices.Small:N0} smaller groups together", others, metric));
        }
        return new SliceReport(
            slices.Column, metric, rows, groups, isMeasured ? 0 : others.Count, scored.Task == TaskKind.Binary && groups.Count > 1 ? Compare(groups) : null);
    }

    private static ScoredRows Of(ScoredRows scored, Slices slices, int code)
    {
        int[] rows = [.. Enumerable.Range(0, scored.Count).Where(row => slices.Codes[row] == code)];
        return scored with { Labels = [.. rows.Select(row => scored.Labels[row])], Scores = [.. rows.SelectMany(row => scored.Of(row).ToArray())] };
    }

    private static SliceGroup Group(string name, ScoredRows rows, string metric)
    {
        var metrics = rows.Metrics().Where(measured => measured.Key != "threshold").ToDictionary();
        if (rows.Task == TaskKind.Binary)
        {
            metrics[SelectionRate] = RateOf(rows, _ => true);
            metrics[TruePositiveRate] = RateOf(rows, label => label > 0.5);
            metrics[FalsePositiveRate] = RateOf(rows, label => label <= 0.5);
        }
        return new SliceGroup(name, rows.Count, metrics, MetricIntervals.Of(rows, metric));
    }

    /// <summary>Share of rows that are predicted positive; NaN where there is none.</summary>
    private static double RateOf(ScoredRows rows, Func<double, bool> which)
    {
        var (all, positive) = (0, 0);
        for (var row = 0; row < rows.Count; row++)
        {
            if (which(rows.Labels[row]))
            {
                all++;
                positive += rows.Scores[row] >= rows.Threshold ? 1 : 0;
            }
        }
        return all == 0 ? double.NaN : (double)positive / all;
    }

    private static Disparities Compare(IReadOnlyList<SliceGroup> groups)
    {
        var selected = Ends(SelectionRate);
        return new Disparities(
            selected.Most - selected.Least, selected.Most > 0 ? selected.Least / selected.Most : double.NaN,
            Math.Max(Difference(TruePositiveRate), Difference(FalsePositiveRate)));

        double Difference(string rate) => Ends(rate) is var (least, most) ? most - least : 0;

        (double Least, double Most) Ends(string rate)
        {
            var rates = groups.Select(group => group.Metrics[rate]).Where(double.IsFinite).DefaultIfEmpty(0).ToList();
            return (rates.Min(), rates.Max());
        }
    }
}

using System.Globalization;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Reports.Card;

/// <summary>How page and Markdown card show groups of rows.</summary>
internal static class CardSlices
{
    public static string TitleOf(SliceReport report) => $"By {report.Column} ({report.Rows} rows)";

    public static IReadOnlyList<string> HeaderOf(SliceReport report) =>
        ["Group", "Rows", .. MetricsOf(report), $"95 % interval of {report.Metric}"];

    public static IEnumerable<IReadOnlyList<string>> RowsOf(SliceReport report) => report.Groups.Select(group => (IReadOnlyList<string>)
    [
        group.Name,
        CardText.Count(group.Rows),
        .. MetricsOf(report).Select(metric => CardText.Number(group.Metrics, metric)),
        group.Interval is { } interval ? $"{CardText.Number(interval.Low)} to {CardText.Number(interval.High)}" : "",
    ]);

    /// <summary>What stands below the table.</summary>
    public static string NoteOf(SliceReport report) => string.Join(
        ' ',
        new[]
        {
            report.Disparities is { } disparities
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"Selection rates differ by {disparities.SelectionRateDifference:G3} (ratio {disparities.SelectionRateRatio:G3}), equalised odds by "
                        + $"{disparities.EqualizedOddsDifference:G3}.")
                : null,
            report.TooFew > 0
                ? $"{CardText.Count(report.TooFew)} {(report.TooFew == 1 ? "row" : "rows")} of groups of fewer than {Evaluation.FewestRows} rows "
                    + $"{(report.TooFew == 1 ? "is" : "are")} not measured."
                : null,
        }.OfType<string>());

    private static IEnumerable<string> MetricsOf(SliceReport report)
    {
        string[] shown = [report.Metric, "mae", "r2", "accuracy", SliceMetrics.SelectionRate, SliceMetrics.TruePositiveRate, SliceMetrics.FalsePositiveRate];
        return shown.Distinct().Where(metric => report.Groups.Any(group => group.Metrics.ContainsKey(metric)));
    }
}

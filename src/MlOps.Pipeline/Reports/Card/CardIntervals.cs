using System.Globalization;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Reports.Card;

/// <summary>How the version's intervals, or sets of classes, of 0.9 hold.</summary>
/// <param name="Coverage">Share of rows whose truth is within.</param>
/// <param name="Size">Mean width; for classes, mean number of labels.</param>
/// <param name="OfClasses">Whether they are sets of classes.</param>
/// <param name="From">The rows that they are made of, in words.</param>
/// <param name="Rows">How many these are.</param>
/// <param name="HasSpread">Whether a model of the spread makes them wider where the noise is.</param>
public sealed record CardIntervals(double Coverage, double Size, bool OfClasses, string From, string Rows, bool HasSpread)
{
    /// <summary>Those of a run; null where they were not measured.</summary>
    public static CardIntervals? Of(RunDetails details)
    {
        var ofClasses = details.Metrics.ContainsKey("val_set_coverage");
        return details.Metrics.TryGetValue(ofClasses ? "val_set_coverage" : "val_interval_coverage", out var coverage)
            && details.Metrics.TryGetValue(ofClasses ? "val_set_size" : "val_interval_width", out var size)
            ? new CardIntervals(
                coverage, size, ofClasses, details.Params.GetValueOrDefault("intervals.from", ""), details.Params.GetValueOrDefault("intervals.rows", ""),
                details.Params.GetValueOrDefault("intervals.spread") == "true")
            : null;
    }

    public string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"{(OfClasses ? "Sets of classes" : "Intervals")} of 90 % (\"interval\": 0.9 in a request) hold {Coverage:P1} of the rows that they were measured on "
            + $"and {(OfClasses ? $"have {Size:G4} classes" : $"are {Size:G4} wide")} on average. They are conformal, from {Rows} {From} predictions"
            + $"{(HasSpread ? ", and wider where a model of the spread says that the noise is" : "")}.");
}

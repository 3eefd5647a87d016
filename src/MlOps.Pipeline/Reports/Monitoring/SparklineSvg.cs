using System.Globalization;
using System.Net;
using System.Text;

namespace MlOps.Pipeline.Reports.Monitoring;

/// <summary>A signal's values over the last windows, with its threshold as a dashed line; warnings are dots. Colours come from the page.</summary>
internal static class SparklineSvg
{
    private const int Width = 170;
    private const int Height = 34;
    private const int Margin = 4;

    /// <param name="result">The signal now; says where the threshold is.</param>
    /// <param name="trail">The windows, oldest first.</param>
    public static string Of(SignalResult result, IReadOnlyList<WindowPoint> trail)
    {
        var points = trail.Select((window, place) => (place, Point: window.Signals.FirstOrDefault(signal => signal.Signal == result.Signal)))
            .Where(point => point.Point?.Value is { } value && double.IsFinite(value))
            .Select(point => (point.place, Value: point.Point!.Value!.Value, point.Point.Verdict)).ToList();
        if (points.Count == 0)
        {
            return "";
        }
        var values = points.Select(point => point.Value).Concat(result.Threshold is { } threshold ? new[] { threshold } : []).ToList();
        var (low, high) = (values.Min(), values.Max());
        var range = high > low ? high - low : 1;
        var step = (Width - (2.0 * Margin)) / Math.Max(1, trail.Count - 1);
        var svg = new StringBuilder();
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<svg class=\"spark\" viewBox=\"0 0 {Width} {Height}\" width=\"{Width}\" height=\"{Height}\" role=\"img\" "
                + $"aria-label=\"{WebUtility.HtmlEncode(SignalNames.Said(result.Signal))} over {points.Count} windows\">");
        if (result.Threshold is { } limit)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<path class=\"limit\" d=\"M{Margin} {Y(limit):0.#}H{Width - Margin}\"/>");
        }
        svg.Append("<polyline points=\"");
        foreach (var point in points)
        {
            svg.Append(CultureInfo.InvariantCulture, $"{X(point.place):0.#},{Y(point.Value):0.#} ");
        }
        svg.Append("\"/>");
        foreach (var point in points.Where((point, i) => point.Verdict == SignalVerdict.Warning || i == points.Count - 1))
        {
            var kind = point.Verdict == SignalVerdict.Warning ? "bad" : "good";
            svg.Append(
                CultureInfo.InvariantCulture,
                $"<circle class=\"{kind}\" cx=\"{X(point.place):0.#}\" cy=\"{Y(point.Value):0.#}\" r=\"2.6\"/>");
        }
        return svg.Append("</svg>").ToString();

        double X(int place) => Margin + (place * step);

        double Y(double value) => Height - Margin - ((value - low) / range * (Height - (2 * Margin)));
    }
}

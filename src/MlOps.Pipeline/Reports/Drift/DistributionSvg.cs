using System.Globalization;
using System.Net;
using System.Text;
using MlOps.Drift;

namespace MlOps.Pipeline.Reports.Drift;

/// <summary>Both sides' distributions over each other, in about a kilobyte: numbers as columns, categories as rows. Colours come from the page.</summary>
internal static class DistributionSvg
{
    private const int Width = 280;
    private const int Height = 90;
    private const int RowHeight = 18;
    private const int LabelWidth = 100;
    private const int LongestLabel = 16;

    public static string Of(ColumnDrift score)
    {
        var shares = score.Distribution!;
        var largest = Math.Max(1e-9, Math.Max(shares.Reference.Max(), shares.Current.Max()));
        var svg = new StringBuilder();
        var isNumeric = shares.Labels.Count == shares.Reference.Count + 1;
        var height = isNumeric ? Height + 14 : RowHeight * shares.Labels.Count;
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<svg class=\"bars\" viewBox=\"0 0 {Width} {height}\" role=\"img\" aria-label=\"Distributions of {Encode(score.Column, 80)}\">");
        if (isNumeric)
        {
            AddColumns(svg, shares, largest);
        }
        else
        {
            AddRows(svg, shares, largest);
        }
        return svg.Append("</svg>").ToString();
    }

    private static void AddColumns(StringBuilder svg, DriftDistribution shares, double largest)
    {
        foreach (var (values, side) in new[] { (shares.Reference, "then"), (shares.Current, "now") })
        {
            var width = (double)Width / values.Count;
            svg.Append("<path class=\"").Append(side).Append("\" d=\"");
            for (var i = 0; i < values.Count; i++)
            {
                svg.Append(
                    CultureInfo.InvariantCulture, $"M{i * width:0.#} {Height}V{Height - (Height * values[i] / largest):0.#}h{width - 0.6:0.#}V{Height}z");
            }
            svg.Append("\"/>");
        }
        svg.Append(
            CultureInfo.InvariantCulture,
            $"<text x=\"0\" y=\"{Height + 12}\">{Encode(shares.Labels[0], LongestLabel)}</text><text x=\"{Width}\" y=\"{Height + 12}\" "
                + $"text-anchor=\"end\">{Encode(shares.Labels[^1], LongestLabel)}</text>");
    }

    private static void AddRows(StringBuilder svg, DriftDistribution shares, double largest)
    {
        for (var i = 0; i < shares.Labels.Count; i++)
        {
            var top = i * RowHeight;
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"0\" y=\"{top + 12}\">{Encode(shares.Labels[i], LongestLabel)}</text>");
            foreach (var (share, side, y) in new[] { (shares.Reference[i], "then", top + 2), (shares.Current[i], "now", top + 9) })
            {
                svg.Append(
                    CultureInfo.InvariantCulture,
                    $"<rect class=\"{side}\" x=\"{LabelWidth}\" y=\"{y}\" width=\"{(Width - LabelWidth) * share / largest:0.#}\" height=\"6\"/>");
            }
        }
    }

    private static string Encode(string text, int longest) =>
        WebUtility.HtmlEncode(text.Length <= longest ? text : string.Concat(text.AsSpan(0, longest - 1), "…"));
}

using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Components;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace MlOps.Pipeline.Reports.Charts;

/// <summary>A chart in the reports' look: as a PNG file on white, or as SVG for a page, where it takes the page's colours.</summary>
internal sealed partial class Chart
{
    /// <summary>Text, axes.</summary>
    public static readonly Color Ink = Color.FromHex("#1B2430");

    /// <summary>Lines behind the data.</summary>
    public static readonly Color Grid = Color.FromHex("#D5D9E1");

    /// <summary>Above: raises a prediction; a high value.</summary>
    public static readonly Color High = Color.FromHex("#D8315B");

    /// <summary>Below: lowers a prediction; a low value.</summary>
    public static readonly Color Low = Color.FromHex("#2E7FD1");

    /// <summary>No direction; a missing value.</summary>
    public static readonly Color Neutral = Color.FromHex("#8A94A3");

    private const int LongestLabel = 30;

    private readonly int width;
    private readonly int height;

    /// <param name="width">Pixels.</param>
    /// <param name="height">Pixels.</param>
    public Chart(int width, int height)
    {
        EmbeddedFonts.Register();
        (this.width, this.height) = (width, height);
        Plot = new Plot();
        Plot.FigureBackground.Color = Colors.Transparent;
        Plot.DataBackground.Color = Colors.Transparent;
        Plot.Axes.Color(Ink);
        Plot.Grid.MajorLineColor = Grid;
        Plot.Axes.Right.FrameLineStyle.IsVisible = false;
        Plot.Axes.Top.FrameLineStyle.IsVisible = false;
        Plot.Font.Set(EmbeddedFonts.Family);
        Plot.Axes.Bottom.TickGenerator = Ticks();
        Plot.Axes.Left.TickGenerator = Ticks();
        Plot.Axes.Bottom.Label.Bold = false;
        Plot.Axes.Left.Label.Bold = false;
        Plot.Axes.Bottom.Label.FontSize = 13;
        Plot.Axes.Left.Label.FontSize = 13;
    }

    public Plot Plot { get; }

    /// <summary>Between <see cref="Low"/> (0) and <see cref="High"/> (1).</summary>
    public static Color Between(double share) => Low.MixedWith(High, Math.Clamp(share, 0, 1));

    /// <summary>Indices that are spread evenly over all rows.</summary>
    public static int[] Sample(int rows, int most) =>
        rows <= most ? [.. Enumerable.Range(0, rows)] : [.. Enumerable.Range(0, most).Select(i => (int)((long)i * rows / most))];

    /// <summary>A name that fits beside an axis.</summary>
    public static string Shorten(string name, int most = LongestLabel) => name.Length <= most ? name : string.Concat(name.AsSpan(0, most - 1), "…");

    /// <summary>Five digits whatever the size; the default shows small numbers as 0.00.</summary>
    private static NumericAutomatic Ticks() => new() { LabelFormatter = value => Math.Round(value, 12).ToString("G5", CultureInfo.InvariantCulture) };

    /// <summary>Names the rows of a chart, the first on top.</summary>
    public void NameRows(IReadOnlyList<string> names)
    {
        Plot.Axes.Left.SetTicks([.. names.Select((_, i) => (double)(names.Count - 1 - i))], [.. names.Select(name => Shorten(name))]);
        Plot.Axes.Left.MajorTickStyle.Length = 0;
        Plot.Grid.YAxisStyle.IsVisible = false;
    }

    public BinaryData ToPng()
    {
        Plot.FigureBackground.Color = Colors.White;
        return BinaryData.FromBytes(Plot.GetImage(width, height).GetImageBytes(ImageFormat.Png));
    }

    /// <summary>The chart in line with a page: text and axes in the page's own colour, in light and dark.</summary>
    /// <param name="description">What is to be seen, for those who do not see it.</param>
    public MarkupString ToSvg(string description)
    {
        Plot.FigureBackground.Color = Colors.Transparent;
        var svg = Plot.GetSvgXml(width, height);
        svg = svg[svg.IndexOf("<svg", StringComparison.Ordinal)..].Replace(Ink.ToHex(), "currentColor", StringComparison.OrdinalIgnoreCase)
            .Replace(Grid.ToHex(), "var(--grid)", StringComparison.OrdinalIgnoreCase);
        svg = LongNumber().Replace(svg, "$1");
        var label = System.Net.WebUtility.HtmlEncode(description);
        return (MarkupString)OpeningTag().Replace(
            svg,
            $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" "
                + $"aria-label=\"{label.Replace("$", "$$", StringComparison.Ordinal)}\">",
            1);
    }

    /// <summary>Hundredths of a pixel are enough; numbers between tags are text.</summary>
    [GeneratedRegex(@"(?<=[\s"",(a-zA-Z-])(\d+\.\d\d)\d+(?=[^<>]*>)")]
    private static partial Regex LongNumber();

    [GeneratedRegex("<svg[^>]*>")]
    private static partial Regex OpeningTag();
}

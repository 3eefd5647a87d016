using System.Globalization;
using MlOps.Pipeline.Reports.Charts;
using ScottPlot;

namespace MlOps.Pipeline.Reports.Card;

/// <summary>A confusion matrix as picture: a row for each true class, a column for each predicted one; the darker, the larger the share of the row.</summary>
internal static class ConfusionChart
{
    /// <summary>Classes that a picture has room for.</summary>
    public const int MostClasses = 20;

    private const int LongestName = 16;
    private const int Margin = 150;
    private const int WidestCell = 64;
    private const int MostPixels = 900;

    /// <summary>From this share on white is easier to read than black.</summary>
    private const double Dark = 0.55;

    /// <param name="matrix">At most <see cref="MostClasses"/> classes.</param>
    public static Chart Of(ConfusionMatrix matrix)
    {
        var classes = matrix.Classes.Count;
        var cell = Math.Min(WidestCell, (MostPixels - Margin) / classes);
        var chart = new Chart(Margin + (classes * cell) + 20, Margin + (classes * cell));
        for (var row = 0; row < classes; row++)
        {
            var rows = Math.Max(matrix.Counts[row].Sum(), 1);
            for (var column = 0; column < classes; column++)
            {
                AddCell(chart, column, classes - 1 - row, matrix.Counts[row][column], (double)matrix.Counts[row][column] / rows);
            }
        }
        chart.NameRows([.. matrix.Classes.Select(name => Chart.Shorten(name, LongestName))]);
        var bottom = chart.Plot.Axes.Bottom;
        bottom.SetTicks([.. Enumerable.Range(0, classes).Select(place => (double)place)], [.. matrix.Classes.Select(name => Chart.Shorten(name, LongestName))]);
        bottom.MajorTickStyle.Length = 0;
        bottom.TickLabelStyle.Rotation = -40;
        bottom.TickLabelStyle.Alignment = Alignment.UpperRight;
        // Slanted names need room that the axis does not take by itself.
        bottom.MinimumSize = 40 + (5 * matrix.Classes.Max(name => Math.Min(name.Length, LongestName)));
        chart.Plot.XLabel("predicted class");
        chart.Plot.YLabel("true class");
        chart.Plot.HideGrid();
        chart.Plot.Axes.SetLimits(-0.5, classes - 0.5, -0.5, classes - 0.5);
        return chart;
    }

    private static void AddCell(Chart chart, int x, int y, int count, double share)
    {
        var square = chart.Plot.Add.Rectangle(x - 0.5, x + 0.5, y - 0.5, y + 0.5);
        square.FillColor = Chart.Low.WithAlpha(Math.Sqrt(share));
        square.LineColor = Chart.Grid;
        if (count == 0)
        {
            return;
        }
        var text = chart.Plot.Add.Text(count.ToString(CultureInfo.InvariantCulture), x, y);
        text.LabelStyle.Alignment = Alignment.MiddleCenter;
        text.LabelStyle.ForeColor = Math.Sqrt(share) > Dark ? Colors.White : Chart.Ink;
        text.LabelStyle.FontSize = 12;
        text.LabelStyle.FontName = EmbeddedFonts.Family;
    }
}

using MlOps.Pipeline.Reports.Charts;
using ScottPlot;

namespace MlOps.Pipeline.Reports.Explain;

/// <summary>Charts of whole features.</summary>
internal static class ExplanationCharts
{
    /// <summary>Features in a chart.</summary>
    public const int MostFeatures = 20;

    /// <summary>Categories in a chart of one feature.</summary>
    public const int MostCategories = 12;

    private const int RowHeight = 30;

    /// <summary>A bar per feature, the most important on top.</summary>
    public static Chart Importance(ExplanationData data)
    {
        var shown = data.Features.Take(MostFeatures).ToList();
        var chart = new Chart(900, (shown.Count * RowHeight) + 90);
        var bars = chart.Plot.Add.Bars(shown.Select((feature, i) => new Bar
        {
            Position = shown.Count - 1 - i,
            Value = feature.Importance,
            Size = 0.62,
            FillColor = Chart.Low,
            LineWidth = 0,
            Label = feature.Importance.ToString("G3", System.Globalization.CultureInfo.InvariantCulture),
        }).ToArray());
        bars.Horizontal = true;
        bars.ValueLabelStyle.ForeColor = Chart.Ink;
        bars.ValueLabelStyle.FontSize = 12;
        bars.ValueLabelStyle.FontName = EmbeddedFonts.Family;
        bars.ValueLabelStyle.Bold = false;
        chart.NameRows([.. shown.Select(feature => feature.Name)]);
        chart.Plot.XLabel(data.ImportanceLabel);
        var most = Math.Max(shown.Max(feature => feature.Importance), 1e-12);
        chart.Plot.Axes.SetLimits(Math.Min(0, shown.Min(feature => feature.Importance) * 1.1), most * 1.12, -0.7, shown.Count - 0.3);
        return chart;
    }

    /// <summary>A point per feature and row: right raises the prediction, the colour is the feature's own value.</summary>
    /// <param name="data">The explanation.</param>
    /// <param name="mostPoints">Most points a feature.</param>
    public static Chart Beeswarm(ExplanationData data, int mostPoints)
    {
        var shown = data.Features.Take(MostFeatures).ToList();
        var chart = new Chart(900, (shown.Count * (RowHeight + 8)) + 90);
        chart.Plot.Add.VerticalLine(0, 1, Chart.Neutral);
        for (var i = 0; i < shown.Count; i++)
        {
            var feature = shown[i];
            var sample = Chart.Sample(feature.Values.Length, mostPoints);
            double[] x = [.. sample.Select(row => feature.Contributions[row])];
            var y = Swarm(x, shown.Count - 1 - i);
            AddPoints(chart, x, y, feature.Categories is null ? Colour(feature, sample) : [.. x.Select(_ => -1)], size: 4.5f);
        }
        chart.NameRows([.. shown.Select(feature => feature.Name)]);
        chart.Plot.XLabel($"SHAP value: effect on {data.Unit}");
        chart.Plot.Axes.AutoScaleX();
        chart.Plot.Axes.SetLimitsY(-0.7, shown.Count - 0.3);
        return chart;
    }

    /// <summary>A feature's SHAP value against its own value, row by row.</summary>
    public static Chart Dependence(ExplanationData data, ExplainedFeature feature, int mostPoints)
    {
        var chart = new Chart(620, 380);
        var sample = Chart.Sample(feature.Values.Length, mostPoints).Where(row => !float.IsNaN(feature.Values[row])).ToArray();
        if (feature.Categories is { } categories)
        {
            sample = [.. sample.Where(row => feature.Values[row] < MostCategories)];
            var known = Math.Min(categories.Count, MostCategories);
            chart.Plot.Axes.Bottom.SetTicks(
                [.. Enumerable.Range(0, known).Prepend(-1).Select(code => (double)code)],
                [.. categories.Take(known).Select(category => Chart.Shorten(category, most: 18)).Prepend("other")]);
            if (known > 4)
            {
                // Slanted names need room that the axis does not take by itself.
                chart.Plot.Axes.Bottom.TickLabelStyle.Rotation = -40;
                chart.Plot.Axes.Bottom.TickLabelStyle.Alignment = Alignment.UpperRight;
                chart.Plot.Axes.Bottom.MinimumSize = 110;
            }
        }
        double[] x = [.. sample.Select((row, i) => feature.Values[row] + (feature.Categories is null ? 0 : ((i * 0.618034 % 1) - 0.5) * 0.5))];
        double[] y = [.. sample.Select(row => feature.Contributions[row])];
        chart.Plot.Add.HorizontalLine(0, 1, Chart.Neutral);
        AddPoints(chart, x, y, [.. y.Select(value => value > 0 ? 1.0 : 0.0)], size: 5);
        if (feature.Categories is null)
        {
            chart.Plot.XLabel(Chart.Shorten(feature.Name));
        }
        chart.Plot.YLabel("SHAP value");
        chart.Plot.Axes.AutoScale();
        return chart;
    }

    /// <summary>A value's rank among all, 0 to 1: one outlier must not take all the colours. −1 is missing.</summary>
    private static double[] Colour(ExplainedFeature feature, int[] sample)
    {
        var sorted = feature.Values.Where(value => !float.IsNaN(value)).Order().ToArray();
        return [.. sample.Select(row => float.IsNaN(feature.Values[row]) ? -1 : Rank(sorted, feature.Values[row]))];
    }

    private static double Rank(float[] sorted, float value)
    {
        var place = Array.BinarySearch(sorted, value);
        return sorted.Length < 2 ? 0.5 : (double)(place < 0 ? ~place : FirstOf(sorted, place)) / (sorted.Length - 1);
    }

    private static int FirstOf(float[] sorted, int place)
    {
        var (low, high) = (0, place);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = sorted[middle] < sorted[place] ? (middle + 1, high) : (low, middle);
        }
        return low;
    }

    /// <summary>Spreads points that lie at the same place upwards and downwards by turns.</summary>
    private static double[] Swarm(double[] x, double centre)
    {
        const int Bins = 120;
        var (least, most) = (x.Min(), x.Max());
        var width = Math.Max((most - least) / Bins, 1e-12);
        var bins = x.Select(value => (int)((value - least) / width)).ToArray();
        var fullest = bins.CountBy(bin => bin).Max(bin => bin.Value);
        var step = Math.Min(0.08, 0.8 / Math.Max(fullest, 1));
        var filled = new Dictionary<int, int>();
        return [.. bins.Select(bin =>
        {
            var count = filled[bin] = filled.GetValueOrDefault(bin) + 1;
            return centre + ((count % 2 == 0 ? 1 : -1) * (count / 2) * step);
        })];
    }

    /// <summary>Points in a few colours: 0 is low, 1 is high, below 0 has none.</summary>
    private static void AddPoints(Chart chart, double[] x, double[] y, double[] colours, float size)
    {
        const int Steps = 10;
        foreach (var group in Enumerable.Range(0, x.Length).GroupBy(i => colours[i] < 0 ? -1 : (int)Math.Round(colours[i] * Steps)).OrderBy(group => group.Key))
        {
            var markers = chart.Plot.Add.Markers(
                group.Select(i => x[i]).ToArray(), group.Select(i => y[i]).ToArray(), MarkerShape.FilledCircle, size,
                group.Key < 0 ? Chart.Neutral : Chart.Between(group.Key / (double)Steps));
            markers.MarkerStyle.LineWidth = 0;
        }
    }
}

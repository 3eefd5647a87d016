using System.Globalization;
using MlOps.Pipeline.Reports.Charts;
using ScottPlot;

namespace MlOps.Pipeline.Reports.Explain;

/// <summary>How one prediction comes about: from the base value, feature by feature, to the prediction.</summary>
internal static class WaterfallChart
{
    private const int MostFeatures = 9;

    public static Chart Of(ExplanationData data, int row)
    {
        var steps = data.Features.OrderByDescending(feature => Math.Abs(feature.Contributions[row]))
            .Select(feature => (Name: $"{Chart.Shorten(feature.Name)} = {Chart.Shorten(feature.Show(row))}", Value: feature.Contributions[row])).ToList();
        if (steps.Count > MostFeatures + 1)
        {
            steps = [.. steps.Take(MostFeatures), ($"{steps.Count - MostFeatures} other features", steps.Skip(MostFeatures).Sum(step => step.Value))];
        }
        var chart = new Chart(900, (steps.Count * 32) + 90);
        var bars = new List<Bar>();
        var reached = data.BaseValues[row];
        // The smallest step first, at the bottom, as readers of waterfalls expect.
        for (var i = steps.Count - 1; i >= 0; i--)
        {
            var value = steps[i].Value;
            bars.Add(new Bar
            {
                Position = steps.Count - 1 - i,
                ValueBase = reached,
                Value = reached + value,
                Size = 0.6,
                FillColor = value >= 0 ? Chart.High : Chart.Low,
                LineWidth = 0,
            });
            reached += value;
        }
        // Thin and thick rather than dashed and dotted: SVG files get no line patterns from Skia.
        chart.Plot.Add.VerticalLine(data.BaseValues[row], 1, Chart.Neutral);
        chart.Plot.Add.VerticalLine(reached, 2, Chart.Ink);
        chart.Plot.Add.Bars(bars).Horizontal = true;
        var values = bars.SelectMany(bar => new[] { bar.ValueBase, bar.Value }).Append(data.BaseValues[row]).ToArray();
        var span = Math.Max(values.Max() - values.Min(), 1e-9);
        foreach (var (bar, step) in bars.Zip(Enumerable.Reverse(steps)))
        {
            var text = chart.Plot.Add.Text(
                step.Value.ToString("+0.####;-0.####;0", CultureInfo.InvariantCulture), Math.Max(bar.Value, bar.ValueBase) + (span * 0.015), bar.Position);
            text.LabelStyle.Alignment = Alignment.MiddleLeft;
            text.LabelStyle.ForeColor = Chart.Ink;
            text.LabelStyle.FontSize = 12;
            text.LabelStyle.FontName = EmbeddedFonts.Family;
        }
        chart.NameRows([.. steps.Select(step => step.Name)]);
        chart.Plot.XLabel(data.Predicted is { } predicted ? $"score of {data.Target.Name} = {Chart.Shorten(predicted[row])}" : data.Unit);
        chart.Plot.Axes.SetLimits(values.Min() - (span * 0.05), values.Max() + (span * 0.15), -0.7, steps.Count - 0.3);
        return chart;
    }
}

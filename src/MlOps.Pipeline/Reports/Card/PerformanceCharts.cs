using MlOps.Pipeline.Reports.Charts;
using ScottPlot;

namespace MlOps.Pipeline.Reports.Card;

/// <summary>How good the predictions are, as pictures.</summary>
internal static class PerformanceCharts
{
    private const int MostPoints = 800;
    private const int MostRocPoints = 200;
    private const int Width = 620;
    private const int Height = 420;

    /// <summary>Predicted against true values; on the line they are equal.</summary>
    public static Chart PredictedAgainstTrue(Performance performance)
    {
        var chart = new Chart(Width, Height);
        var sample = Chart.Sample(performance.Labels.Length, MostPoints);
        double[] x = [.. sample.Select(row => (double)performance.Labels[row])];
        double[] y = [.. sample.Select(row => (double)performance.Predictions[row])];
        var (low, high) = (Math.Min(x.Min(), y.Min()), Math.Max(x.Max(), y.Max()));
        AddDiagonal(chart, low, high);
        AddPoints(chart, x, y, size: 4);
        chart.Plot.XLabel("true value");
        chart.Plot.YLabel("predicted value");
        chart.Plot.Axes.Margins(0.05, 0.05);
        return chart;
    }

    /// <summary>How often which error happens.</summary>
    public static Chart Residuals(Performance performance)
    {
        var chart = new Chart(Width, Height);
        var (centres, counts, width) = performance.ResidualHistogram();
        chart.Plot.Add.Bars(centres.Zip(
            counts, (centre, count) => new Bar { Position = centre, Value = count, Size = width * 0.94, FillColor = Chart.Low, LineWidth = 0 }).ToArray());
        chart.Plot.Add.VerticalLine(0, 2, Chart.Ink);
        chart.Plot.XLabel("predicted minus true value");
        chart.Plot.YLabel("rows");
        chart.Plot.Axes.Margins(bottom: 0);
        return chart;
    }

    /// <summary>True against false positive rate at every threshold; the diagonal is chance.</summary>
    public static Chart Roc(Performance performance)
    {
        var chart = new Chart(Width, Height);
        var points = performance.Roc(MostRocPoints);
        AddDiagonal(chart, 0, 1);
        var line = chart.Plot.Add.ScatterLine(
            points.Select(point => point.FalsePositives).ToArray(), points.Select(point => point.TruePositives).ToArray(), Chart.Low);
        line.LineWidth = 2;
        chart.Plot.XLabel("false positive rate");
        chart.Plot.YLabel("true positive rate");
        chart.Plot.Axes.SetLimits(-0.01, 1.01, -0.01, 1.01);
        return chart;
    }

    /// <summary>Observed share of positives against the predicted probability; on the line they are equal.</summary>
    public static Chart Calibration(Performance performance)
    {
        var chart = new Chart(Width, Height);
        var groups = performance.Calibration();
        AddDiagonal(chart, 0, 1);
        double[] x = [.. groups.Select(group => group.Predicted)];
        double[] y = [.. groups.Select(group => group.Observed)];
        chart.Plot.Add.ScatterLine(x, y, Chart.Low).LineWidth = 1;
        AddPoints(chart, x, y, size: 8);
        chart.Plot.XLabel("mean predicted probability");
        chart.Plot.YLabel("observed share of positives");
        chart.Plot.Axes.SetLimits(-0.01, 1.01, -0.01, 1.01);
        return chart;
    }

    private static void AddDiagonal(Chart chart, double low, double high) =>
        chart.Plot.Add.ScatterLine(new[] { low, high }, new[] { low, high }, Chart.Neutral).LineWidth = 1;

    private static void AddPoints(Chart chart, double[] x, double[] y, float size) =>
        chart.Plot.Add.Markers(x, y, MarkerShape.FilledCircle, size, Chart.Low).MarkerStyle.LineWidth = 0;
}

using System.Globalization;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Alerts;

/// <summary>What an alert is about.</summary>
/// <param name="Name">For the log.</param>
/// <param name="Fields">Its names and numbers; Slack shows the first ten.</param>
/// <param name="Path">Where it is, relative to the host.</param>
/// <param name="LinkText">What the link opens.</param>
public sealed record AlertSubject(string Name, IReadOnlyList<(string Name, string Value)> Fields, string Path, string LinkText)
{
    public static AlertSubject Of(RunDetails details)
    {
        var run = details.Run;
        return new AlertSubject(
            $"Run {run.RunId}",
            [
                ("Model", run.Model),
                ("Run", run.RunId),
                ("Version", run.Version?.ToString(CultureInfo.InvariantCulture) ?? "none"),
                .. details.Metrics.Where(metric => IsTold(metric.Key))
                    .Select(metric => (metric.Key, metric.Value.ToString("G5", CultureInfo.InvariantCulture))),
            ],
            $"/runs/{Uri.EscapeDataString(run.RunId)}",
            $"run {run.RunId}");
    }

    /// <summary>Where it is, for who reads a message elsewhere: what stands in the path of the host's address is kept.</summary>
    internal static string AddressOf(AlertSubject subject, Uri baseUrl) => baseUrl.AbsoluteUri.TrimEnd('/') + subject.Path;

    /// <summary>What is shown are ten fields: metrics come first.</summary>
    private static bool IsOfIntervals(string metric) =>
        metric.StartsWith("val_interval_", StringComparison.Ordinal) || metric.StartsWith("val_set_", StringComparison.Ordinal);

    private static bool IsTold(string metric) =>
        (WinnerMetrics.IsOne(metric) && !IsOfIntervals(metric))
        || metric.StartsWith(ProductionMetrics.Prefix, StringComparison.Ordinal)
        || (metric.StartsWith("drift_", StringComparison.Ordinal) && metric.EndsWith("_share", StringComparison.Ordinal));
}

using MlOps.Pipeline.Tracking;

namespace MlOps.Testing.Scenarios;

/// <summary>What of a run must be the same on every engine.</summary>
public sealed record RunSummary(RunState State, bool Promoted, int? Version, string Error, string BlockedBy, string Stages, string Metrics, string Alerts)
{
    public static RunSummary Of(RunDetails details) => new(
        details.Run.State, details.Run.Promoted, details.Run.Version, Named(details.Run.Error ?? "", details.Run),
        string.Join('\n', details.Run.BlockedBy),
        string.Join(
            '\n',
            details.Stages.Where(stage => !IsPart(stage)).Select(stage => $"{stage.Stage} {stage.Key} {StateOf(stage)} {stage.Rows}")
                .Order(StringComparer.Ordinal)),
        string.Join(
            '\n',
            details.Metrics.Where(metric => !metric.Key.Contains("seconds", StringComparison.Ordinal) && !metric.Key.StartsWith(
                "drift_columns", StringComparison.Ordinal)).Select(metric => $"{metric.Key} {metric.Value:R}")),
        string.Join('\n', details.Alerts.Select(alert => Named(Describe(alert), details.Run)).Order(StringComparer.Ordinal)));

    /// <summary>The model and its file have names of their own in every test.</summary>
    private static string Named(string text, Run run) =>
        text.Replace(Path.GetFileName(run.Source), "{file}", StringComparison.Ordinal).Replace(run.Model, "{model}", StringComparison.Ordinal);

    /// <summary>Only engines that scale out work part by part.</summary>
    private static bool IsPart(StageStatus stage) => stage.Stage.EndsWith("-part", StringComparison.Ordinal);

    /// <summary>A later run finds what an earlier one of the same content made.</summary>
    private static StageState StateOf(StageStatus stage) => stage.State == StageState.Reused ? StageState.Succeeded : stage.State;

    private static string Describe(Alert alert) => $"{alert.Kind} {alert.State} {string.Join('\n', alert.Reasons)}";
}

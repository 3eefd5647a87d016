using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Serving.Monitoring;

namespace MlOps.Web.Views;

/// <summary>The checked windows of a model, newest first.</summary>
/// <param name="Model">The model.</param>
/// <param name="Windows">This page of them.</param>
/// <param name="Next">Where the list goes on; left out at its end.</param>
public sealed record MonitoringHistory(string Model, IReadOnlyList<MonitoredWindow> Windows, string? Next);

/// <summary>A checked window.</summary>
/// <param name="Id">Names it: <c>GET /models/{name}/drift?window=</c>.</param>
/// <param name="Version">The version whose rows they are.</param>
/// <param name="From">The first time whose rows were taken in.</param>
/// <param name="Until">Its end.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Signals">What every signal says of it.</param>
/// <param name="RunId">The run that was started for it; left out where none was.</param>
/// <param name="RunProblem">Why no run could be started.</param>
/// <param name="Links">More of it, by name.</param>
public sealed record MonitoredWindow(
    string Id, int Version, DateTimeOffset From, DateTimeOffset Until, long Rows, IReadOnlyList<WindowSignal> Signals, string? RunId, string? RunProblem,
    IReadOnlyDictionary<string, string> Links)
{
    /// <summary>What each version did in it; left out in windows of earlier releases.</summary>
    public IReadOnlyList<VersionTraffic>? Traffic { get; init; }

    /// <summary>The first time whose rows <see cref="Traffic"/> counts: later than <see cref="From"/> where the window has more than a check reads.</summary>
    public DateTimeOffset? TrafficFrom { get; init; }

    internal static MonitoredWindow Of(LiveDriftCheck check)
    {
        var (id, drift) = (LiveDriftStore.WriteTime(check.Until), MlOps.Web.Views.Links.Model(check.Model) + "/drift");
        return new MonitoredWindow(
            id, check.Version, check.From, check.Until, check.Rows, SignalsOf(check), check.RunId, check.RunProblem,
            new Dictionary<string, string> { ["check"] = $"{drift}?window={id}", ["page"] = $"{drift}/page?window={id}" })
        {
            Traffic = check.Traffic.Count == 0 ? null : check.Traffic,
            TrafficFrom = check.TrafficFrom,
        };
    }

    /// <summary>A check of an earlier release knew of feature drift alone.</summary>
    private static IReadOnlyList<WindowSignal> SignalsOf(LiveDriftCheck check) => check.Signals.Count > 0
        ? [.. check.Signals.Select(WindowSignal.Of)]
        :
        [
            new WindowSignal(
                SignalNames.FeatureDrift, check.Drifted ? SignalVerdict.Warning : SignalVerdict.Ok,
                check.Report.Comparisons is [var compared, ..] ? compared.Share : null, null, check.Report.DriftShare,
                check.Reasons is [var reason, ..] ? reason : "No drift."),
        ];
}

/// <summary>A signal of a window.</summary>
/// <param name="Signal">Its name.</param>
/// <param name="Verdict">What it says.</param>
/// <param name="Value">Its value; left out where nothing was measured.</param>
/// <param name="Reference">What it was when the version was made; left out where that means nothing.</param>
/// <param name="Threshold">From where on it is a warning; left out where it is only recorded.</param>
/// <param name="Text">What was found, or why nothing is said.</param>
public sealed record WindowSignal(string Signal, SignalVerdict Verdict, double? Value, double? Reference, double? Threshold, string Text)
{
    internal static WindowSignal Of(SignalResult result) => new(
        result.Signal, result.Verdict, result.Value, result.Reference, result.Threshold, result.Text);
}

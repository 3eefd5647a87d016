using System.Diagnostics;
using System.Globalization;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports;
using MlOps.Pipeline.Reports.Drift;
using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Signals;

/// <summary>
/// Checks a window of live rows by every signal and tells people what they do not know yet. The check's record is written once, before the message leaves: a
/// window that another host takes over is told at most once.
/// </summary>
public sealed class LiveDriftChecker
{
    private readonly WindowReader windows;
    private readonly SignalSet signals;
    private readonly LiveDriftStore checks;
    private readonly AlertSender sender;
    private readonly ReportRenderer pages;

    internal LiveDriftChecker(WindowReader windows, SignalSet signals, LiveDriftStore checks, AlertSender sender, ReportRenderer pages) =>
        (this.windows, this.signals, this.checks, this.sender, this.pages) = (windows, signals, checks, sender, pages);

    /// <summary>Checks the rows that a version predicted within a claimed window.</summary>
    /// <param name="version">The production version.</param>
    /// <param name="definition">The model's definition.</param>
    /// <param name="claim">The claimed window.</param>
    /// <param name="cancel">Stops the check.</param>
    /// <returns>The check, which is kept; null when there are too few rows.</returns>
    /// <exception cref="InputException">The training rows are gone.</exception>
    public async Task<LiveDriftCheck?> CheckAsync(ModelVersion version, PipelineDefinition definition, LiveDriftMark claim, CancellationToken cancel)
    {
        var before = claim.Newest is { } name ? await checks.FindAsync(name, cancel) : null;
        var check = await windows.ReadAsync(
            version, definition, claim,
            async (window, rows) => Describe(version, window, rows.Live, await signals.EvaluateAsync(rows, cancel), before) with
            {
                TrafficFrom = rows.Traffic.From,
                Traffic = rows.Traffic.Versions,
            },
            cancel);
        if (check is null)
        {
            return null;
        }
        Telemetry.DriftShare.Record(
            check.Report.Comparisons[0].Share,
            new TagList { { Telemetry.Model, check.Model }, { Telemetry.Version, check.Version.ToString(CultureInfo.InvariantCulture) } });
        if (!await checks.TryAddAsync(check, await RenderAsync(check, definition), cancel))
        {
            return await checks.FindAsync(LiveDriftStore.NameOf(check), cancel);
        }
        return check.Alert is { State: AlertState.Sending } ? await TellAsync(check, before, cancel) : check;
    }

    private LiveDriftCheck Describe(
        ModelVersion version, LiveWindow window, LiveComparison found, IReadOnlyList<SignalResult> results, LiveDriftCheck? last)
    {
        var before = last?.Version == version.Version ? last : null;
        IReadOnlyList<string> drifted = [.. found.Report.Comparisons[0].Scores.Where(score => score.Drifted).Select(score => score.Column)];
        // While a version's rows stay drifted, only columns that people do not know of are news.
        var known = found.Report.Drifted && before is { Drifted: true } ? before.Told : [];
        var isNews = found.Report.Drifted && (before is not { Drifted: true } || drifted.Except(known, StringComparer.Ordinal).Any());
        var change = SignalChange.Of(last?.States ?? new Dictionary<string, SignalVerdict>(), results);
        var point = new WindowPoint(
            window.Until, version.Version, found.Rows, [.. results.Select(result => new SignalPoint(result.Signal, result.Verdict, result.Value))]);
        return new LiveDriftCheck
        {
            Model = version.Model,
            Version = version.Version,
            From = window.From,
            Until = window.Until,
            Rows = found.Rows,
            Drifted = found.Report.Drifted,
            Reasons = found.Reasons,
            Told = isNews ? [.. known.Union(drifted, StringComparer.Ordinal)] : known,
            Alert = isNews ? NewDrift(version, found, change) : change.IsNews ? NewChange(version, change) : null,
            Report = found.Report,
            Signals = results,
            States = change.After,
            Trail = [.. (last?.Trail ?? []).Append(point).TakeLast(LiveDriftCheck.MostTrail)],
        };
    }

    private Alert NewDrift(ModelVersion version, LiveComparison found, SignalChange change) => sender.New(
        AlertKind.LiveDriftDetected, $"{version.Model}: live rows have drifted from what version {version.Version} was trained on",
        [.. found.Reasons, .. change.Sentences]);

    private Alert NewChange(ModelVersion version, SignalChange change) =>
        sender.New(AlertKind.SignalChanged, $"{version.Model}: {change.Title} (version {version.Version})", change.Sentences);

    private Task<BinaryData> RenderAsync(LiveDriftCheck check, PipelineDefinition definition) => pages.RenderAsync<DriftPage>(new Dictionary<string, object?>
    {
        [nameof(DriftPage.Report)] = check.Report,
        [nameof(DriftPage.Subtitle)] = string.Create(
            CultureInfo.InvariantCulture,
            $"Version {check.Version}, rows predicted from {check.From.UtcDateTime:yyyy-MM-dd HH:mm:ss} to {check.Until.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC"),
        [nameof(DriftPage.Consequence)] = definition.RunOn.Drift ? "of live rows is told, and starts a run" : "of live rows is told",
        [nameof(DriftPage.Signals)] = check.Signals,
        [nameof(DriftPage.Trail)] = check.Trail,
    });

    /// <summary>What no channel took stays unknown to people: the next check tells it.</summary>
    private async Task<LiveDriftCheck> TellAsync(LiveDriftCheck check, LiveDriftCheck? last, CancellationToken cancel)
    {
        var alert = await sender.SendAsync(check.Alert!, SubjectOf(check), cancel);
        var told = alert.HasArrived
            ? check with { Alert = alert }
            : check with
            {
                Alert = alert,
                Told = last?.Version == check.Version ? last.Told : [],
                States = last?.States ?? new Dictionary<string, SignalVerdict>(),
            };
        await checks.UpdateAsync(told, cancel);
        return told;
    }

    private static AlertSubject SubjectOf(LiveDriftCheck check)
    {
        var name = Uri.EscapeDataString(check.Model);
        return new AlertSubject(
            $"Live rows of model {check.Model}",
            [
                ("Model", check.Model),
                ("Version", check.Version.ToString(CultureInfo.InvariantCulture)),
                ("Live rows", check.Rows.ToString("N0", CultureInfo.InvariantCulture)),
                ("Since", check.From.UtcDateTime.ToString("u", CultureInfo.InvariantCulture)),
                ("drift_live_share", check.Report.Comparisons[0].Share.ToString("0.00", CultureInfo.InvariantCulture)),
                .. check.Signals.Where(signal => signal is { Verdict: SignalVerdict.Warning, Value: not null } && signal.Signal != SignalNames.FeatureDrift)
                    .Select(signal => (signal.Measure ?? signal.Signal, signal.Value!.Value.ToString("G4", CultureInfo.InvariantCulture))),
            ],
            $"/models/{name}/drift/page?window={LiveDriftStore.WriteTime(check.Until)}",
            $"the monitoring page of {check.Model}");
    }
}

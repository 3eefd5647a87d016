using System.Globalization;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Serving.Monitoring;

/// <summary>
/// Checks a window of live rows and tells people what they do not know yet. The check's record is written once, before the message leaves: a
/// window that another host takes over is told at most once.
/// </summary>
public sealed class LiveDriftChecker
{
    private readonly PredictionLogReader log;
    private readonly LiveDrift drift;
    private readonly LiveDriftStore checks;
    private readonly AlertSender sender;
    private readonly PipelineOptions options;

    internal LiveDriftChecker(PredictionLogReader log, LiveDrift drift, LiveDriftStore checks, AlertSender sender, PipelineOptions options) =>
        (this.log, this.drift, this.checks, this.sender, this.options) = (log, drift, checks, sender, options);

    /// <summary>Checks the rows that a version predicted within a claimed window.</summary>
    /// <param name="version">The production version.</param>
    /// <param name="definition">The model's definition.</param>
    /// <param name="claim">The claimed window.</param>
    /// <param name="cancel">Stops the check.</param>
    /// <returns>The check, which is kept; null when there are too few rows.</returns>
    /// <exception cref="InputException">The training rows are gone.</exception>
    public async Task<LiveDriftCheck?> CheckAsync(ModelVersion version, PipelineDefinition definition, LiveDriftMark claim, CancellationToken cancel)
    {
        var until = claim.Until!.Value;
        var farthest = until - MonitorRules.MostEvery;
        var window = new LiveWindow(version.Version, claim.CheckedUntil > farthest ? claim.CheckedUntil.Value : farthest, until);
        if (await CompareAsync(version, definition, window, cancel) is not { } found)
        {
            return null;
        }
        var before = claim.Newest is { } name && await checks.FindAsync(name, cancel) is { } newest && newest.Version == version.Version ? newest : null;
        var check = Describe(version, window, found, before);
        if (!await checks.TryAddAsync(check, found.Page, cancel))
        {
            return await checks.FindAsync(LiveDriftStore.NameOf(check), cancel);
        }
        return check.Alert is { State: AlertState.Sending } ? await TellAsync(check, before, cancel) : check;
    }

    /// <summary>Null when there are too few rows.</summary>
    private async Task<LiveComparison?> CompareAsync(ModelVersion version, PipelineDefinition definition, LiveWindow window, CancellationToken cancel)
    {
        var folder = Path.Combine(options.WorkFolder, "live", Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        try
        {
            var files = await log.DownloadAsync(version.Model, window, folder, cancel);
            return files.Rows < definition.Monitor.MinRows ? null : await drift.CompareAsync(version, definition, files.Paths, window, folder, cancel);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private LiveDriftCheck Describe(ModelVersion version, LiveWindow window, LiveComparison found, LiveDriftCheck? before)
    {
        IReadOnlyList<string> drifted = [.. found.Report.Comparisons[0].Scores.Where(score => score.Drifted).Select(score => score.Column)];
        // While a version's rows stay drifted, only columns that people do not know of are news.
        var known = found.Report.Drifted && before is { Drifted: true } ? before.Told : [];
        var isNews = found.Report.Drifted && (before is not { Drifted: true } || drifted.Except(known, StringComparer.Ordinal).Any());
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
            Alert = isNews ? NewAlert(version, found) : null,
            Report = found.Report,
        };
    }

    private Alert NewAlert(ModelVersion version, LiveComparison found) => sender.New(
        AlertKind.LiveDriftDetected, $"{version.Model}: live rows have drifted from what version {version.Version} was trained on", found.Reasons);

    /// <summary>What no channel took stays unknown to people: the next check tells it.</summary>
    private async Task<LiveDriftCheck> TellAsync(LiveDriftCheck check, LiveDriftCheck? before, CancellationToken cancel)
    {
        var alert = await sender.SendAsync(check.Alert!, SubjectOf(check), cancel);
        var told = check with { Alert = alert, Told = alert.HasArrived ? check.Told : before?.Told ?? [] };
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
            ],
            $"/models/{name}/drift/page",
            $"the drift page of {check.Model}");
    }
}

using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Feedback;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Signals;

/// <summary>Finds where a window ends, and reads its rows with what came true of them.</summary>
internal sealed class WindowReader(PredictionLogReader log, FeedbackStore feedback, LiveDrift drift, SignalSources sources)
{
    /// <summary>The farthest that a window of rows looks back: those of a rare caller take their time.</summary>
    private static readonly TimeSpan MostOpen = TimeSpan.FromDays(7);

    /// <summary>Hosts write what they have predicted within seconds: a minute that has been over for so long has all its rows.</summary>
    private static readonly TimeSpan Settles = TimeSpan.FromMinutes(1);

    /// <summary>What is read of the log to find the prediction that a key's truth is about.</summary>
    private const long MostBytesOfKeys = 1024 * 1024 * 1024;

    /// <summary>Reads a claimed window and hands it on while its files are there.</summary>
    /// <param name="version">The version whose rows they are.</param>
    /// <param name="definition">Says how long a window is.</param>
    /// <param name="claim">The claim.</param>
    /// <param name="evaluate">What is done with it.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>Null when there are too few rows.</returns>
    public async Task<T?> ReadAsync<T>(
        ModelVersion version, PipelineDefinition definition, LiveDriftMark claim, Func<LiveWindow, SignalWindow, Task<T>> evaluate, CancellationToken cancel)
        where T : class
    {
        var folder = Path.Combine(sources.Options.WorkFolder, "live", Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        try
        {
            var window = WindowOf(version, definition.Monitor, claim);
            var files = await log.DownloadAsync(version.Model, window, folder, cancel);
            if (await CloseAsync(definition.Monitor, window, files, cancel) is not { } closed)
            {
                return null;
            }
            var told = await ToldFeedback.WriteAsync(feedback, version.Model, closed.From, Path.Combine(folder, "told.jsonl"), cancel);
            var actuals = told.Rows == 0 ? null : told.NewestSql(Predicted(files.Paths));
            var traffic = await log.TrafficAsync(files, closed, cancel);
            var live = await drift.CompareAsync(version, definition, files.Paths, closed, actuals, folder, cancel);
            return await evaluate(closed, new SignalWindow(version, definition, live, sources)
            {
                Traffic = traffic,
                EarlierAsync = (delay, stop) => ReadEarlierAsync(version, Earlier(closed, delay), Path.Combine(folder, "earlier"), stop),
            });
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static LiveWindow Earlier(LiveWindow window, TimeSpan delay) => window with { From = window.From - delay, Until = window.Until - delay };

    private async Task<EarlierWindow> ReadEarlierAsync(ModelVersion version, LiveWindow window, string folder, CancellationToken cancel)
    {
        Directory.CreateDirectory(folder);
        var told = await ToldFeedback.WriteAsync(feedback, version.Model, window.From, Path.Combine(folder, "told.jsonl"), cancel);
        // What was told of a key is about its newest prediction before: later predictions of it have to be seen as well.
        var files = told.NewestOfKey > window.Until
            ? await log.DownloadAllAsync(version.Model, window.From, told.NewestOfKey, MostBytesOfKeys, folder, cancel)
            : (await log.DownloadAsync(version.Model, window, folder, cancel)).Paths;
        if (files.Count == 0)
        {
            return new EarlierWindow(window, null);
        }
        var actuals = told.Rows == 0 ? null : told.NewestSql(Predicted(files));
        return new EarlierWindow(window, await drift.ReadAsync(version, files, window, actuals, folder, cancel));
    }

    private static LiveWindow WindowOf(ModelVersion version, MonitorRules rules, LiveDriftMark claim)
    {
        var until = claim.Until!.Value;
        var farthest = until - (rules.Rows is null ? MonitorRules.MostEvery : MostOpen);
        return new LiveWindow(version.Version, claim.CheckedUntil > farthest ? claim.CheckedUntil.Value : farthest, until);
    }

    /// <summary>The window with its end; null when there are too few rows. Rows alone decide where a window of rows ends, whoever looks, and when.</summary>
    private async Task<LiveWindow?> CloseAsync(MonitorRules rules, LiveWindow window, LoggedFiles files, CancellationToken cancel)
    {
        if (rules.Rows is not { } rows)
        {
            return files.Rows < rules.MinRows ? null : window;
        }
        return files.Rows >= rows && await log.FullAtAsync(files.Paths, window, rows, cancel) is { } full && full <= window.Until - Settles
            ? window with { Until = full }
            : null;
    }

    /// <summary>Whichever version answered: what was told of a key is about its newest prediction.</summary>
    private static string Predicted(IReadOnlyList<string> files) =>
        $"(SELECT id, min(\"at\") AS \"at\", any_value(key) AS key FROM {LoggedSql.From(files, LoggedRow.At, LoggedRow.Id, LoggedRow.Key)} "
            + "WHERE id IS NOT NULL GROUP BY id)";
}

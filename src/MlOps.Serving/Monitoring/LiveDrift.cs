using System.Globalization;
using MlOps.Drift;
using MlOps.Drift.Profiles;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Profiling;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports;
using MlOps.Pipeline.Reports.Drift;

namespace MlOps.Serving.Monitoring;

/// <summary>What a comparison of live rows shows.</summary>
/// <param name="Report">The comparison.</param>
/// <param name="Rows">Live rows compared.</param>
/// <param name="Reasons">What drifted, in one sentence; none when the rows have not drifted.</param>
/// <param name="Page">The report as a page.</param>
public sealed record LiveComparison(DriftReport Report, long Rows, IReadOnlyList<string> Reasons, BinaryData Page);

/// <summary>Compares rows that a version predicted with those that it was trained on, by the tests and the limit of stage drift.</summary>
public sealed class LiveDrift(DatasetStore datasets, DuckDb duckDb, TableProfiler profiler, ProfileStore profiles, ReportRenderer pages)
{
    /// <summary>How many rows of the window stand in files of the prediction log.</summary>
    public Task<long> CountAsync(IReadOnlyList<string> files, LiveWindow window, CancellationToken cancel) => Task.Run(
        () =>
        {
            using var session = duckDb.Open(cancel);
            return LiveRows.Count(session, files, window);
        },
        cancel);

    /// <param name="version">The version that predicted the rows.</param>
    /// <param name="definition">Says by which tests, and from which share on the rows have drifted.</param>
    /// <param name="files">Local files of the prediction log.</param>
    /// <param name="window">Which of their rows; of too many the newest <see cref="MonitorRules.MostRows"/>.</param>
    /// <param name="folder">Takes temporary files.</param>
    /// <param name="cancel">Stops the comparison.</param>
    /// <exception cref="InputException">The training rows are gone.</exception>
    public async Task<LiveComparison> CompareAsync(
        ModelVersion version, PipelineDefinition definition, IReadOnlyList<string> files, LiveWindow window, string folder, CancellationToken cancel)
    {
        var train = await datasets.FindAsync(version.Lineage.Train, cancel)
            ?? throw new InputException($"The training rows of version {version.Version} of model '{version.Model}' are gone, so live rows cannot be "
                + $"compared with them. Start a new run.");
        var trained = await profiles.GetAsync(train, _ => Task.CompletedTask, cancel);
        var live = await ReadAsync(train, trained, files, window, Path.Combine(folder, "live.parquet"), cancel);
        var target = TargetColumn.Of(train).Name;
        var now = await profiler.ProfileAsync(live, [.. ProfiledColumn.Of(train).Where(column => column.Name != target)], _ => Task.CompletedTask, cancel);
        var then = new TableProfile(trained.Columns.Where(column => column.Key != target).ToDictionary(StringComparer.Ordinal));

        var comparison = TableComparison.Compare(
            "live",
            (new DriftSide($"training rows of version {version.Version}", train.Id, train.Rows, version.Version), then),
            (new DriftSide("live rows", $"predictions/{version.Model}", live.Manifest.Rows), now),
            definition.DriftRules,
            definition.Gates.DriftShare);
        var report = new DriftReport(version.RunId, version.Model, definition.Gates.Drift, definition.Gates.DriftShare, comparison.Drifted, [comparison]);
        return new LiveComparison(
            report, live.Manifest.Rows, comparison.Drifted ? [comparison.Describe(report.DriftShare)] : [], await RenderAsync(report, definition, window));
    }

    private Task<LocalTable> ReadAsync(
        DatasetManifest train, TableProfile trained, IReadOnlyList<string> files, LiveWindow window, string path, CancellationToken cancel) => Task.Run(
        () =>
        {
            using var session = duckDb.Open(train.Columns.Count, cancel);
            var rows = LiveRows.Write(session, files, window, MonitorRules.MostRows, train, trained, path);
            return new LocalTable(train with { Parts = [], Projection = null, Selection = null, Rows = rows }, [path]);
        },
        cancel);

    private Task<BinaryData> RenderAsync(DriftReport report, PipelineDefinition definition, LiveWindow window) =>
        pages.RenderAsync<DriftPage>(new Dictionary<string, object?>
        {
            [nameof(DriftPage.Report)] = report,
            [nameof(DriftPage.Subtitle)] = string.Create(
                CultureInfo.InvariantCulture,
                $"Version {window.Version}, rows predicted from {window.From.UtcDateTime:yyyy-MM-dd HH:mm:ss} to "
                    + $"{window.Until.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC"),
            [nameof(DriftPage.Consequence)] = definition.RunOn.Drift ? "of live rows is told, and starts a run" : "of live rows is told",
        });
}

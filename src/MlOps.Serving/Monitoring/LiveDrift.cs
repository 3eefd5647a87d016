using MlOps.Drift;
using MlOps.Drift.Profiles;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Profiling;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports.Drift;

namespace MlOps.Serving.Monitoring;

/// <summary>What a comparison of live rows shows.</summary>
/// <param name="Report">The comparison.</param>
/// <param name="Rows">Live rows compared.</param>
/// <param name="Reasons">What drifted, in one sentence; none when the rows have not drifted.</param>
internal sealed record LiveComparison(DriftReport Report, long Rows, IReadOnlyList<string> Reasons)
{
    /// <summary>The rows.</summary>
    public required LiveTable Table { get; init; }

    /// <summary>Profiles of their columns, and of what was predicted.</summary>
    public required TableProfile Now { get; init; }

    /// <summary>Profiles of the training rows.</summary>
    public required TableProfile Trained { get; init; }
}

/// <summary>Reads rows that a version predicted and compares them with those that it was trained on, by the tests and the limit of stage drift.</summary>
internal sealed class LiveDrift(DatasetStore datasets, DuckDb duckDb, TableProfiler profiler, ProfileStore profiles)
{
    /// <param name="version">The version that predicted the rows.</param>
    /// <param name="definition">Says by which tests, and from which share on the rows have drifted.</param>
    /// <param name="files">Local files of the prediction log.</param>
    /// <param name="window">Which of their rows; of too many the newest <see cref="MonitorRules.MostRows"/>.</param>
    /// <param name="actuals">A table, as SQL, of <c>id</c> and <c>actual</c>: what came true of predictions; null: nothing is known.</param>
    /// <param name="folder">Takes temporary files, the rows among them.</param>
    /// <param name="cancel">Stops the comparison.</param>
    /// <exception cref="InputException">The training rows are gone.</exception>
    public async Task<LiveComparison> CompareAsync(
        ModelVersion version, PipelineDefinition definition, IReadOnlyList<string> files, LiveWindow window, string? actuals, string folder,
        CancellationToken cancel)
    {
        var (train, trained) = await TrainedAsync(version, cancel);
        var live = await ReadAsync(new LiveSource(files, window, MonitorRules.MostRows, train, trained), actuals, folder, cancel);
        var target = TargetColumn.Of(train);
        var columns = ProfiledColumn.Of(train).Where(column => column.Name != target.Name).ToList();
        var all = await profiler.ProfileAsync(live.Rows, [.. columns, .. PredictedColumns(live.Names, target.Task)], _ => Task.CompletedTask, cancel);
        var now = new TableProfile(columns.ToDictionary(column => column.Name, column => all.Columns[column.Name], StringComparer.Ordinal));
        var then = new TableProfile(trained.Columns.Where(column => column.Key != target.Name).ToDictionary(StringComparer.Ordinal));

        var comparison = TableComparison.Compare(
            "live",
            (new DriftSide($"training rows of version {version.Version}", train.Id, train.Rows, version.Version), then),
            (new DriftSide("live rows", $"predictions/{version.Model}", live.Rows.Manifest.Rows), now),
            definition.DriftRules,
            definition.Gates.DriftShare);
        var report = new DriftReport(version.RunId, version.Model, definition.Gates.Drift, definition.Gates.DriftShare, comparison.Drifted, [comparison]);
        return new LiveComparison(report, live.Rows.Manifest.Rows, comparison.Drifted ? [comparison.Describe(report.DriftShare)] : [])
        {
            Table = live,
            Now = all,
            Trained = then,
        };
    }

    /// <summary>Rows of a window as <see cref="CompareAsync"/> reads them, compared with nothing.</summary>
    /// <inheritdoc cref="CompareAsync"/>
    public async Task<LiveTable> ReadAsync(
        ModelVersion version, IReadOnlyList<string> files, LiveWindow window, string? actuals, string folder, CancellationToken cancel)
    {
        var (train, trained) = await TrainedAsync(version, cancel);
        return await ReadAsync(new LiveSource(files, window, MonitorRules.MostRows, train, trained), actuals, folder, cancel);
    }

    private async Task<(DatasetManifest Train, TableProfile Trained)> TrainedAsync(ModelVersion version, CancellationToken cancel)
    {
        var train = await datasets.FindAsync(version.Lineage.Train, cancel)
            ?? throw new InputException($"The training rows of version {version.Version} of model '{version.Model}' are gone, so live rows cannot be "
                + $"compared with them. Start a new run.");
        return (train, await profiles.GetAsync(train, _ => Task.CompletedTask, cancel));
    }

    private Task<LiveTable> ReadAsync(LiveSource source, string? actuals, string folder, CancellationToken cancel) => Task.Run(
        () =>
        {
            using var session = duckDb.Open(source.Train.Columns.Count, cancel);
            return LiveRows.Write(session, source, actuals, folder);
        },
        cancel);

    private static IEnumerable<ProfiledColumn> PredictedColumns(LiveColumns names, TaskKind task)
    {
        yield return task == TaskKind.Regression
            ? new ProfiledColumn(names.Prediction, IsNumeric: true, $"TRY_CAST({Sql.Name(names.Prediction)} AS DOUBLE)")
            : new ProfiledColumn(names.Prediction, IsNumeric: false, Sql.Name(names.Prediction));
        if (task == TaskKind.Binary)
        {
            yield return new ProfiledColumn(names.Probability, IsNumeric: true, Sql.Name(names.Probability));
        }
    }
}

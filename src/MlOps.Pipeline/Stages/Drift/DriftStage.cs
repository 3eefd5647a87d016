using Microsoft.Extensions.Logging;
using MlOps.Drift;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Profiling;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports;
using MlOps.Pipeline.Reports.Drift;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Drift;

/// <param name="Train">Training rows.</param>
/// <param name="Validation">Validation rows.</param>
/// <param name="Parts">Parts that <see cref="DriftPartStage"/> has profiled; 0: none, the table is read here.</param>
public sealed record DriftInput(DatasetRef Train, DatasetRef Validation, int Parts = 0);

/// <param name="Drifted">What drifted, one sentence a comparison; none where the definition ignores drift.</param>
/// <param name="BlockedBy">Reasons not to promote; only where drift blocks.</param>
/// <param name="Report">The stage's account.</param>
public sealed record DriftOutput(IReadOnlyList<Reason> Drifted, IReadOnlyList<Reason> BlockedBy, StageReport Report) : IStageOutput;

/// <summary>
/// Compares the validation rows with the training rows, and the training rows with those that the production version was trained on: the
/// first tells whether the split is fair, the second whether the world has changed.
/// </summary>
public sealed partial class DriftStage(
    DatasetStore datasets, ProfileStore profiles, ModelRegistry registry, ArtifactStore artifacts, RunStore runs, ReportRenderer pages,
    ILogger<DriftStage> logger) : IStage<DriftInput, DriftOutput>
{
    /// <summary>Name of the comparison with what the production version was trained on.</summary>
    private const string Production = "production";

    private const string Columns = "drift_columns";
    private const string ColumnsRead = "drift_columns_read";

    public static string Name => "drift";

    /// <summary>Whether it is a metric of how far the stage is, or one that depends on what is in production, and not of the run's rows alone.</summary>
    internal static bool IsOfTheMoment(string metric) => metric is Columns or ColumnsRead || metric == ShareOf(Production);

    public async Task<DriftOutput> RunAsync(StageContext context, DriftInput input, CancellationToken cancel)
    {
        var definition = await context.GetDefinitionAsync(cancel);
        var train = await datasets.GetAsync(input.Train.Id, cancel);
        var validation = await datasets.GetAsync(input.Validation.Id, cancel);
        var production = await FindProductionAsync(context, train.Id, cancel);

        var progress = new Progress(
            this, context,
            ProfiledColumn.Of(train).Count + ProfiledColumn.Of(validation).Count + (production is { } side ? ProfiledColumn.Of(side.Manifest).Count : 0),
            cancel);
        var split = await profiles.GetSplitAsync(train, validation, input.Parts, progress.AddAsync, cancel);
        var trained = (Side: new DriftSide("training rows", train.Id, train.Rows), Profile: split.Train);
        var held = (Side: new DriftSide("validation rows", validation.Id, validation.Rows), Profile: split.Validation);
        List<DriftComparison> comparisons = [TableComparison.Compare("validation", trained, held, definition.DriftRules, definition.Gates.DriftShare)];
        if (production is { Manifest: var manifest, Version: var version })
        {
            var then = (new DriftSide(
                $"training rows of version {version}", manifest.Id, manifest.Rows, version), await profiles.GetAsync(manifest, progress.AddAsync, cancel));
            comparisons.Add(TableComparison.Compare(Production, then, trained, definition.DriftRules, definition.Gates.DriftShare));
        }
        var report = new DriftReport(
            context.RunId, context.Model, definition.Gates.Drift, definition.Gates.DriftShare, comparisons.Any(comparison => comparison.Drifted), comparisons);
        foreach (var comparison in comparisons)
        {
            context.Log($"{comparison.Describe(definition.Gates.DriftShare).TrimEnd(' ', ':')}");
        }
        await SaveAsync(report, cancel);
        return OutputOf(context, report, train.Rows + validation.Rows);
    }

    /// <summary>The training rows of the production version; null before the first, and where they are the very same.</summary>
    private async Task<(DatasetManifest Manifest, int Version)?> FindProductionAsync(StageContext context, string train, CancellationToken cancel)
    {
        if ((await registry.FindAsync(context.Model, cancel))?.Production is not { } version)
        {
            return null;
        }
        var lineage = (await registry.GetAsync(context.Model, version, cancel)).Lineage;
        if (lineage.Train != train && await datasets.FindAsync(lineage.Train, cancel) is { } manifest)
        {
            return (manifest, version);
        }
        context.Warn(WarningCodes.NoComparison, lineage.Train == train
            ? $"Production version {version} was trained on these very rows, so there is nothing to compare with."
            : $"The training rows of production version {version} are gone, so this run is not compared with them.");
        return null;
    }

    private async Task SaveAsync(DriftReport report, CancellationToken cancel)
    {
        var metrics = report.Comparisons.ToDictionary(comparison => ShareOf(comparison.Name), comparison => comparison.Share);
        await runs.LogMetricsAsync(report.RunId, metrics, cancel);
        await artifacts.SaveAsync(
            report.RunId, DriftReport.FileName, $"{report.RunId}/{DriftReport.FileName}", BinaryData.FromString(Json.Write(report)), cancel);
        var page = await pages.RenderAsync<DriftPage>(new Dictionary<string, object?> { [nameof(DriftPage.Report)] = report });
        await artifacts.SaveAsync(report.RunId, DriftReport.PageName, $"{report.RunId}/{DriftReport.PageName}", page, cancel);
    }

    private static string ShareOf(string comparison) => $"drift_{comparison}_share";

    private static DriftOutput OutputOf(StageContext context, DriftReport report, long rows)
    {
        IReadOnlyList<Reason> drifted =
            [.. report.Comparisons.Where(comparison => comparison.Drifted).Select(
                comparison => new Reason(comparison.Describe(report.DriftShare), GateKind.Drift))];
        if (report.Gate == DriftGate.Warn)
        {
            context.Warn(WarningCodes.Drift, drifted.Texts());
        }
        return new DriftOutput(report.Gate == DriftGate.Ignore ? [] : drifted, report.Gate == DriftGate.Block ? drifted : [], new StageReport(rows));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {RunId}: drift has read {Done} of {All} columns")]
    private partial void LogProgress(string runId, int done, int all);

    /// <summary>Shows on the run how many columns of all tables are read.</summary>
    private sealed class Progress(DriftStage stage, StageContext context, int all, CancellationToken cancel)
    {
        private int done;

        public async Task AddAsync(int columns)
        {
            done += columns;
            stage.LogProgress(context.RunId, done, all);
            await context.LogMetricsAsync(new Dictionary<string, double> { [ColumnsRead] = done, [Columns] = all }, cancel);
        }
    }
}

using System.Globalization;
using Microsoft.ML;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.Validate;

/// <summary>
/// Intervals of the winner, which stand beside its model: made of its out-of-fold predictions, else of test rows, else of validation rows. The same model again
/// has them already; one of a release that made none is given them here.
/// </summary>
internal sealed class WinnerIntervals(PipelineStorage storage, ArtifactStore artifacts, OutOfFoldRows outOfFold, PipelineOptions options)
{
    private static readonly Dictionary<IntervalRows, string> Words = new()
    {
        [IntervalRows.OutOfFold] = "out-of-fold",
        [IntervalRows.Validation] = "validation",
        [IntervalRows.Test] = "test",
    };

    /// <summary>The metrics of a run that tell of intervals at 0.9.</summary>
    /// <param name="context">The run.</param>
    /// <param name="winner">The winner, loaded.</param>
    /// <param name="files">Where it is stored.</param>
    /// <param name="input">What the stage was given.</param>
    /// <param name="validation">The validation rows.</param>
    /// <param name="test">The test rows; null: there are none.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<IReadOnlyDictionary<string, double>> MeasureAsync(
        StageContext context, StoredModel winner, ModelFiles files, ValidateInput input, PredictedTable validation, PredictedTable? test,
        CancellationToken cancel)
    {
        var stored = await FindAsync(files, cancel) ?? await MakeAsync(context, winner, files, input, validation, test, cancel);
        await context.LogParamsAsync(
            new Dictionary<string, string>
            {
                ["intervals.rows"] = stored.State.Scores.Sum(scores => scores.Count).ToString(CultureInfo.InvariantCulture),
                ["intervals.from"] = Words[stored.State.Rows],
                ["intervals.spread"] = stored.Spread is null ? "false" : "true",
            },
            cancel);
        var measured = stored.State.Rows == IntervalRows.Validation
            ? stored.State.Own
            : await Task.Run(() => ConformalFit.Measure(stored.State, validation.Table, validation.Predictions, SpreadsOf(stored, validation.Table)), cancel);
        return measured is null ? new Dictionary<string, double>() : Named(winner.Featurizer.Target.Task, measured);
    }

    /// <summary>What a gate has against intervals, one sentence each.</summary>
    public static IEnumerable<Reason> BlockedBy(IntervalGate? gate, IReadOnlyDictionary<string, double> metrics)
    {
        if (gate is not null && metrics.Count == 0)
        {
            yield return new Reason("interval: too few rows tell how well intervals of 0.9 hold, and a gate asks for it", GateKind.Metric);
            yield break;
        }
        foreach (var (name, value) in metrics)
        {
            var isCoverage = name.EndsWith("coverage", StringComparison.Ordinal);
            if (isCoverage && value < gate?.CoverageAtLeast)
            {
                yield return new Reason(
                    string.Create(CultureInfo.InvariantCulture, $"{name}: {value:G6} at 0.9 is below the required {gate.CoverageAtLeast:G6}"), GateKind.Metric);
            }
            else if (!isCoverage && value > gate?.WidthAtMost)
            {
                yield return new Reason(
                    string.Create(CultureInfo.InvariantCulture, $"{name}: {value:G6} at 0.9 is above the allowed {gate.WidthAtMost:G6}"), GateKind.Metric);
            }
        }
    }

    private static Dictionary<string, double> Named(TaskKind task, IntervalMeasure measured) => task == TaskKind.Regression
        ? new() { ["interval_coverage"] = measured.Coverage, ["interval_width"] = measured.Size }
        : new() { ["set_coverage"] = measured.Coverage, ["set_size"] = measured.Size };

    private double[]? SpreadsOf(FittedIntervals intervals, FeatureTable table) =>
        intervals.Spread is { } spread ? Evaluation.Predict(spread, table, options.Threads, intervals.State.SpreadScale) : null;

    private async Task<FittedIntervals?> FindAsync(ModelFiles files, CancellationToken cancel)
    {
        if (await files.FindAsync(artifacts, IntervalState.File, cancel) is not { } found)
        {
            return null;
        }
        var state = Stored.Read<IntervalState>(found.ToString());
        if (state.LeastSpread is null)
        {
            return new FittedIntervals(state);
        }
        return new FittedIntervals(state, StoredModel.Load(await files.ReadAsync(artifacts, IntervalState.SpreadFile, cancel)));
    }

    private async Task<FittedIntervals> MakeAsync(
        StageContext context, StoredModel winner, ModelFiles files, ValidateInput input, PredictedTable validation, PredictedTable? test,
        CancellationToken cancel)
    {
        var definition = await context.GetDefinitionAsync(cancel);
        var fit = new ConformalFit((int)(definition.Split.Seed % int.MaxValue), options.Threads, cancel);
        var fitted = await outOfFold.FindAsync(winner, files, input.Train, cancel) is { } trained
            ? await Task.Run(() => fit.Fit(trained.Rows.Table, trained.Rows.Predictions, FoldsOf(definition, trained), IntervalRows.OutOfFold), cancel)
            : test is not null
                ? await Task.Run(() => fit.Fit(test.Table, test.Predictions, folds: null, IntervalRows.Test), cancel)
                : await Task.Run(() => fit.Fit(validation.Table, validation.Predictions, folds: null, IntervalRows.Validation), cancel);
        if (fitted.Spread is { } spread)
        {
            await AddAsync(files, IntervalState.SpreadFile, StoredModel.Zip(new MLContext(), spread, winner.Featurizer), cancel);
        }
        // Last, as it says that the other is there.
        await AddAsync(files, IntervalState.File, BinaryData.FromString(Json.Write(fitted.State)), cancel);
        return fitted;
    }

    private static Folds? FoldsOf(PipelineDefinition definition, (PredictedTable Rows, DatasetManifest Manifest) trained) =>
        Folds.Of(trained.Rows.Table, definition.Train.FoldsOf(trained.Manifest.Rows), trained.Manifest.Selection?.Group is not null);

    private Task<bool> AddAsync(ModelFiles files, string file, BinaryData content, CancellationToken cancel) =>
        storage.Artifacts.TryAddAsync($"{files.Blobs}/{file}", content, cancel);
}

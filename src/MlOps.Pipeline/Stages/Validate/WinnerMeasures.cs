using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.Validate;

/// <summary>What is measured of the winner besides its metrics: beside the baseline, how sure it is, and by groups of rows; and what is
/// kept of it for who watches it later.</summary>
public sealed class WinnerMeasures(
    DatasetStore datasets, ArtifactStore artifacts, FeatureTableCache tables, DuckDb duckDb, PipelineStorage storage, PipelineOptions options)
{
    private readonly OutOfFoldRows outOfFold = new(artifacts, datasets, tables);
    private readonly WinnerIntervals intervals = new(storage, artifacts, new OutOfFoldRows(artifacts, datasets, tables), options);
    private readonly WinnerSlices slices = new(datasets, artifacts, duckDb);
    private readonly WinnerReference reference = new(storage, artifacts, datasets, duckDb, options);

    /// <summary>Rows with what the winner predicts of them: by ML.NET itself where our code does not say the same, which is told.</summary>
    internal async Task<PredictedTable> PredictAsync(StageContext context, StoredModel stored, DatasetManifest manifest, CancellationToken cancel)
    {
        var table = await tables.GetAsync(manifest, stored.Featurizer, cancel);
        var (predictions, difference) = await Task.Run(() => ScorerCheck.Predict(stored.Transformer, table, options.Threads), cancel);
        if (difference > ScorerCheck.Tolerance)
        {
            context.Warn(new Warning(WarningCodes.ScorerDiffers, string.Create(
                CultureInfo.InvariantCulture,
                $"The code that scores quickly differs from ML.NET's own predictions by up to {difference:G3} of a prediction, so the metrics are measured "
                    + $"by ML.NET's. Please report it, with the trainer and its settings."))
            {
                Headline = true,
            });
        }
        return new PredictedTable(table, Evaluation.InUnit(predictions, stored.Featurizer.Scale));
    }

    /// <summary>Tells of features that are the target in another form: nothing that is measured of the model can be believed then.</summary>
    internal static void WarnOfLeaks(StageContext context, DatasetManifest rows, PredictedTable validation) =>
        context.Warn(TargetLeaks.Of(validation.Table, TellingGaps(rows)).Select(Told));

    private static Warning Told(TargetLeak leak) => new(
        WarningCodes.TargetLeak,
        $"'{leak.Feature}'{ComputedFrom(leak)} all but tells the target: {leak.Evidence}. If it is known only together with the target, "
            + $"the metrics promise too much: leave {(leak.IsComputed ? "out what is known so late" : "it out")} "
            + $"(\"columns\": {{ {Json.Write(leak.Columns[0])}: \"ignore\" }}).")
    {
        Column = leak.Columns[0],
        Headline = true,
    };

    private static HashSet<string> TellingGaps(DatasetManifest rows) =>
        [.. rows.Notes[DatasetNotes.TellingGaps]?.AsArray().Select(column => column!.GetValue<string>()) ?? []];

    private static string ComputedFrom(TargetLeak leak) =>
        leak.IsComputed ? $", computed from {string.Join(" and ", leak.Columns.Select(column => $"'{column}'"))}," : "";

    /// <inheritdoc cref="WinnerIntervals.MeasureAsync"/>
    internal Task<IReadOnlyDictionary<string, double>> IntervalsAsync(
        StageContext context, StoredModel winner, ModelFiles files, ValidateInput input, PredictedTable validation, PredictedTable? test,
        CancellationToken cancel) => intervals.MeasureAsync(context, winner, files, input, validation, test, cancel);

    /// <inheritdoc cref="WinnerReference.KeepAsync"/>
    internal async Task KeepReferenceAsync(
        StageContext context, StoredModel winner, ModelFiles files, PredictedTable validation, DatasetRef? train, CancellationToken cancel)
    {
        var seed = (int)((await context.GetDefinitionAsync(cancel)).Split.Seed % int.MaxValue);
        await reference.KeepAsync(winner, files, validation, train, seed, cancel);
    }

    /// <summary>Keeps on the run how good the winner would be with fewer of its trees.</summary>
    internal async Task KeepLearningCurveAsync(
        StageContext context, StoredModel winner, string candidate, DatasetRef train, PredictedTable validation, string metric, CancellationToken cancel)
    {
        var rows = await tables.GetAsync(await datasets.GetAsync(train.Id, cancel), winner.Featurizer, cancel);
        var curve = await Task.Run(() => LearningCurves.Of(winner, candidate, rows, validation.Table, metric), cancel);
        if (curve.None is null)
        {
            context.Log($"{metric} with {curve.Trees[0]} and with all {curve.Trees[^1]} trees: {curve.Validation[0]:G4} and {curve.Validation[^1]:G4}");
        }
        var file = BinaryData.FromString(Json.Write(curve));
        await artifacts.SaveAsync(context.RunId, LearningCurve.FileName, $"{context.RunId}/{LearningCurve.FileName}", file, cancel);
    }

    /// <summary>What groups of rows say against promotion: out of fold where that is known, else of the validation rows.</summary>
    internal async Task<IReadOnlyList<Reason>> SlicesAsync(
        StageContext context, StoredModel winner, ModelFiles files, DatasetRef? train, PredictedTable validation, DatasetManifest manifest,
        CancellationToken cancel)
    {
        if ((await context.GetDefinitionAsync(cancel)).Slices.Count == 0)
        {
            return [];
        }
        return await outOfFold.FindAsync(winner, files, train, cancel) is { } trained
            ? await slices.MeasureAsync(context, trained.Rows, trained.Manifest, "out-of-fold", cancel)
            : await slices.MeasureAsync(context, validation, manifest, "validation", cancel);
    }

    /// <summary>What the baseline comes to on the same rows. Where the winner is not better for sure, that is the first thing to know of it.</summary>
    internal async Task<IEnumerable<KeyValuePair<string, double>>> BaselineAsync(
        StageContext context, ScoredRows winner, DatasetRef train, string metric, bool largerIsBetter, CancellationToken cancel)
    {
        var rows = await datasets.OpenAsync(await datasets.GetAsync(train.Id, cancel), cancel);
        var target = TargetColumn.Of(rows.Manifest);
        return await Task.Run(
            () =>
            {
                using var session = duckDb.Open(rows.Manifest.Columns.Count, cancel);
                var constant = Baseline.Of(session, rows, target);
                var baseline = Baseline.Beside(winner, constant);
                var metrics = baseline.Metrics();
                var gain = MetricIntervals.OfDifference(winner, baseline, metric);
                if (gain is not null && !(largerIsBetter ? gain.Low > 0 : gain.High < 0))
                {
                    context.Warn(new Warning(WarningCodes.NoBetterThanBaseline, string.Create(
                        CultureInfo.InvariantCulture,
                        $"Nothing shows that the model is better than always predicting {Baseline.Describe(target, constant)}: {metric} is "
                            + $"{winner.Metrics()[metric]:G6} against {metrics[metric]:G6} on {winner.Count:N0} validation rows (95 % interval of the "
                            + $"difference: {gain.Low:G4} to {gain.High:G4})."))
                    {
                        Headline = true,
                    });
                }
                return metrics.Where(measured => measured.Key != "threshold");
            },
            cancel);
    }
}

using System.Globalization;
using System.Text;
using Microsoft.ML;
using MlOps.Drift.Profiles;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.Validate;

/// <summary>
/// Keeps beside the winner's model what it was like on its validation rows, so that what it does in production can be compared with that
/// (<see cref="MonitoringReference"/>). The same model again has it already; one of a release that kept none is given it here.
/// </summary>
internal sealed class WinnerReference(PipelineStorage storage, ArtifactStore artifacts, DatasetStore datasets, DuckDb duckDb, PipelineOptions options)
{
    /// <summary>Performance is not estimated by what fewer rows tell.</summary>
    public const int FewestRows = 200;

    /// <summary>Errors are learnt from so many; more tell little.</summary>
    private const int MostRows = 10_000;

    /// <param name="winner">The winner, loaded.</param>
    /// <param name="files">Where it is stored.</param>
    /// <param name="validation">The validation rows.</param>
    /// <param name="train">The training rows; null: they are not known.</param>
    /// <param name="seed">For what is drawn at random.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task KeepAsync(StoredModel winner, ModelFiles files, PredictedTable validation, DatasetRef? train, int seed, CancellationToken cancel)
    {
        if (await files.FindAsync(artifacts, MonitoringReference.File, cancel) is not null)
        {
            return;
        }
        var missing = train is null ? new Dictionary<string, double>() : await MissingAsync(winner.Featurizer, train, cancel);
        var (reference, models) = await Task.Run(() => Make(winner, validation, missing, seed, cancel), cancel);
        await AddAsync(files, MonitoringReference.PredictionsFile, Profile(winner.Featurizer.Target, winner.Featurizer.Threshold, validation), cancel);
        if (models is not null)
        {
            await AddAsync(files, MonitoringReference.AbsoluteErrorFile, StoredModel.Zip(new MLContext(), models.Absolute, winner.Featurizer), cancel);
            await AddAsync(files, MonitoringReference.SquaredErrorFile, StoredModel.Zip(new MLContext(), models.Squared, winner.Featurizer), cancel);
        }
        // Last, as it says that the others are there.
        await AddAsync(files, MonitoringReference.File, BinaryData.FromString(Json.Write(reference)), cancel);
    }

    private (MonitoringReference Reference, ErrorModels? Models) Make(
        StoredModel winner, PredictedTable validation, IReadOnlyDictionary<string, double> missing, int seed, CancellationToken cancel)
    {
        var reference = new MonitoringReference(validation.Table.Rows, missing);
        if (validation.Table.Rows < FewestRows)
        {
            return (reference, null);
        }
        if (winner.Featurizer.Target.Task != TaskKind.Regression)
        {
            var rows = Evaluation.Beside(validation.Predictions, validation.Table);
            var calibrations = ExpectedPerformance.Calibrate(rows);
            var estimated = ExpectedPerformance.Of(rows, ExpectedPerformance.Calibrated(rows, calibrations));
            return (reference with { Calibrations = calibrations, Estimated = Told(estimated) }, null);
        }
        var (table, predictions) = (validation.Table, validation.Predictions);
        if (table.Rows > MostRows)
        {
            int[] some = [.. Enumerable.Range(0, MostRows).Select(row => (int)((long)row * table.Rows / MostRows))];
            (table, predictions) = (table.Take(some), [.. some.Select(row => predictions[row])]);
        }
        var (models, outOfFold) = ErrorModels.Fit(table, predictions, seed, options.Threads, cancel);
        return (reference with { Errors = models.Scales, Estimated = Told(outOfFold) }, models);
    }

    /// <summary>What cannot be told of the rows, such as an AUC of one class, is not kept.</summary>
    private static Dictionary<string, double> Told(IReadOnlyDictionary<string, double> metrics) =>
        metrics.Where(metric => double.IsFinite(metric.Value)).ToDictionary();

    private async Task<IReadOnlyDictionary<string, double>> MissingAsync(Featurizer featurizer, DatasetRef train, CancellationToken cancel)
    {
        var rows = await RowsBeforeFilling.OfAsync(datasets, await datasets.GetAsync(train.Id, cancel), cancel);
        var columns = rows.Manifest.Columns.Select(column => column.Name).ToHashSet(StringComparer.Ordinal);
        var inputs = featurizer.Inputs.Select(input => input.Name).Where(columns.Contains).ToList();
        if (inputs.Count == 0)
        {
            return new Dictionary<string, double>();
        }
        return await Task.Run(
            () =>
            {
                using var session = duckDb.Open(columns.Count, cancel);
                var shares = inputs.Select(input => $"1 - count({Sql.Name(input)}) / greatest(count(*), 1)");
                var found = session.Rows($"SELECT {string.Join(", ", shares)} FROM {rows.ToSql()}")[0];
                return inputs.Zip(found, (input, share) => (input, Share: Convert.ToDouble(share, CultureInfo.InvariantCulture)))
                    .ToDictionary(column => column.input, column => column.Share, StringComparer.Ordinal);
            },
            cancel);
    }

    /// <summary>As the prediction log has them: a number, or the class as it stands in the data.</summary>
    private static BinaryData Profile(TargetColumn target, double threshold, PredictedTable rows)
    {
        var columns = new Dictionary<string, ColumnProfile>(StringComparer.Ordinal);
        var most = ProfileSize.EntriesOfColumn(2);
        if (target.Task != TaskKind.Multiclass)
        {
            var sketch = new NumericSketch(most, rows.Predictions.Length);
            foreach (var prediction in rows.Predictions)
            {
                sketch.Add(prediction);
            }
            columns[target.Task == TaskKind.Binary ? MonitoringReference.ScoreColumn : MonitoringReference.PredictionColumn] = sketch.Finish();
        }
        if (target.Task != TaskKind.Regression)
        {
            var counter = new CategoryCounter(most);
            for (var row = 0; row < rows.Table.Rows; row++)
            {
                var label = target.Classes is { } classes
                    ? classes[ClassProbabilities.MostProbable(rows.Predictions.AsSpan(row * classes.Count, classes.Count))]
                    : rows.Predictions[row] >= threshold ? target.Positive! : target.Negative!;
                counter.Add(Encoding.UTF8.GetBytes(label));
            }
            columns[MonitoringReference.PredictionColumn] = counter.Finish();
        }
        using var bytes = new MemoryStream();
        ProfileFile.Write(bytes, new TableProfile(columns));
        return BinaryData.FromBytes(bytes.ToArray());
    }

    private Task<bool> AddAsync(ModelFiles files, string file, BinaryData content, CancellationToken cancel) =>
        storage.Artifacts.TryAddAsync($"{files.Blobs}/{file}", content, cancel);
}

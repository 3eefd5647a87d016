using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.Train;

/// <param name="RunId">The run.</param>
/// <param name="DefinitionId">The definition's snapshot.</param>
/// <param name="CandidateIndex">Which candidate of the definition.</param>
/// <param name="Train">Training rows.</param>
/// <param name="Validation">Validation rows.</param>
public sealed record TrainInput(string RunId, string DefinitionId, int CandidateIndex, DatasetRef Train, DatasetRef Validation);

public sealed record TrainOutput(TrainedCandidate Candidate, StageReport Report) : IStageOutput;

/// <summary>
/// Trains one candidate and stores it as <c>model.zip</c> with its signature and feature list. The place it is stored at is a function of
/// rows and parameters: the same again is found, not trained.
/// </summary>
public sealed class TrainStage(
    DatasetStore datasets, DefinitionStore definitions, ArtifactStore artifacts, RunStore runs, DuckDb duckDb, FeatureTableCache tables, TrainingProgress progress, PipelineStorage storage,
    PipelineOptions options)
    : IStage<TrainInput, TrainOutput>
{
    /// <summary>Written last: a model is there whole or not at all.</summary>
    private const string MetricsFile = "metrics.json";

    public static string Name => "train";

    public async Task<TrainOutput> RunAsync(TrainInput input, CancellationToken cancel)
    {
        var definition = await definitions.GetSnapshotAsync(input.DefinitionId, cancel);
        var key = definition.CandidateKeys[input.CandidateIndex];
        var spec = definition.Candidates[input.CandidateIndex];
        var train = await datasets.OpenAsync(await datasets.GetAsync(input.Train.Id, cancel), cancel);
        var validation = await datasets.OpenAsync(await datasets.GetAsync(input.Validation.Id, cancel), cancel);
        await runs.LogParamsAsync(input.RunId, Params(key, spec), cancel);

        var featurizer = await Task.Run(() => FitFeaturizer(train, definition, cancel), cancel);
        var blobs = BlobsOf(input, spec, featurizer, definition.Split.Seed);
        var marker = storage.Artifacts.GetBlobClient($"{blobs}/{MetricsFile}");
        var reused = (await marker.ExistsAsync(cancel)).Value;
        var metrics = reused
            ? Json.Read<Dictionary<string, double>>((await artifacts.ReadAsync($"{blobs}/{MetricsFile}", cancel)).ToString())
            : await TrainAsync(spec, new TrainingWatch(input.RunId, key, spec.MaxMinutes), featurizer, train, validation, (int)(definition.Split.Seed % int.MaxValue), blobs, cancel);

        await runs.LogMetricsAsync(input.RunId, metrics.ToDictionary(metric => $"{key}.{metric.Key}", metric => metric.Value), cancel);
        var files = StoredModel.Files.Append(MetricsFile).Select(file => ListAsync($"{key}/{file}", $"{blobs}/{file}", cancel));
        await runs.LogArtifactsAsync(input.RunId, await Task.WhenAll(files), cancel);
        return new TrainOutput(new TrainedCandidate(key, blobs, metrics), new StageReport(input.Train.Rows, reused));
    }

    private Featurizer FitFeaturizer(LocalTable train, PipelineDefinition definition, CancellationToken cancel)
    {
        using var session = duckDb.Open(cancel, train.Manifest.Columns.Count);
        return Featurizer.Fit(session, train, definition);
    }

    private async Task<Dictionary<string, double>> TrainAsync(
        CandidateSpec spec, TrainingWatch watch, Featurizer featurizer, LocalTable train, LocalTable validation, int seed, string blobs, CancellationToken cancel)
    {
        var ml = new MLContext(seed);
        ml.Log += watch.Hear;
        var (trainTable, validationTable) = await tables.GetSplitAsync(train, validation, featurizer, cancel);
        var clock = Stopwatch.StartNew();
        var (model, trees) = await progress.FollowAsync(watch, () => Task.Run(
            () =>
            {
                var plan = TrainingBudget.Plan(spec, few => Measure(few, featurizer, trainTable, seed));
                watch.Note(plan);
                return (new Trainers(ml, plan.Spec, featurizer.Target.Task, seed, options.Threads).Fit(trainTable), plan.Spec.Trees);
            },
            cancel));
        var seconds = clock.Elapsed.TotalSeconds;

        var metrics = await Task.Run(() => Evaluation.Measure(ml, model, validationTable, options.Threads), cancel);
        var logged = new Dictionary<string, double>(metrics) { ["train_seconds"] = Math.Round(seconds, 3) };
        if (trees < spec.Trees)
        {
            logged["trees_in_budget"] = trees;
        }

        var uploads = StoredModel.Contents(ml, model, featurizer).Select(file => UploadAsync($"{blobs}/{file.Key}", file.Value, cancel));
        await Task.WhenAll(uploads);
        await UploadAsync($"{blobs}/{MetricsFile}", BinaryData.FromString(Json.Write(logged)), cancel);
        return logged;
    }

    private TimeSpan Measure(CandidateSpec spec, Featurizer featurizer, FeatureTable table, int seed)
    {
        var watch = Stopwatch.StartNew();
        new Trainers(new MLContext(seed), spec, featurizer.Target.Task, seed, options.Threads).Fit(table);
        return watch.Elapsed;
    }

    private Task UploadAsync(string blob, BinaryData content, CancellationToken cancel) => storage.Artifacts.GetBlobClient(blob).UploadAsync(content, overwrite: true, cancel);

    private async Task<Artifact> ListAsync(string path, string blob, CancellationToken cancel)
    {
        var properties = await storage.Artifacts.GetBlobClient(blob).GetPropertiesAsync(cancellationToken: cancel);
        return new Artifact(path, blob, properties.Value.ContentLength);
    }

    private static string BlobsOf(TrainInput input, CandidateSpec spec, Featurizer featurizer, long seed)
    {
        var identity = Json.Write(new { format = 1, train = input.Train.Id, validation = input.Validation.Id, spec, featurizer, seed });
        return "models/" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)))[..32];
    }

    private static Dictionary<string, string> Params(string key, CandidateSpec spec)
    {
        var parameters = new Dictionary<string, string> { [$"{key}.trainer"] = DefinitionNames.Trainers.NameOf(spec.Trainer) };
        if (spec.Trainer == TrainerKind.Sdca)
        {
            parameters[$"{key}.l2"] = spec.L2?.ToString("R", CultureInfo.InvariantCulture) ?? "auto";
            parameters[$"{key}.iterations"] = spec.Iterations?.ToString(CultureInfo.InvariantCulture) ?? "auto";
            return parameters;
        }
        parameters[$"{key}.trees"] = spec.Trees.ToString(CultureInfo.InvariantCulture);
        parameters[$"{key}.leaves"] = spec.Leaves.ToString(CultureInfo.InvariantCulture);
        parameters[$"{key}.min_rows_per_leaf"] = spec.MinRowsPerLeaf.ToString(CultureInfo.InvariantCulture);
        if (spec.Trainer != TrainerKind.FastForest)
        {
            parameters[$"{key}.rate"] = spec.Rate.ToString("R", CultureInfo.InvariantCulture);
            parameters[$"{key}.early_stopping"] = spec.EarlyStopping.ToString(CultureInfo.InvariantCulture);
        }
        return parameters;
    }
}

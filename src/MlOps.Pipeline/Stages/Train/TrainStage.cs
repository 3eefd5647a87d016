using System.Diagnostics;
using System.Globalization;
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

/// <param name="CandidateIndex">Which candidate of the definition.</param>
/// <param name="Train">Training rows.</param>
/// <param name="Validation">Validation rows.</param>
public sealed record TrainInput(int CandidateIndex, DatasetRef Train, DatasetRef Validation);

public sealed record TrainOutput(TrainedCandidate Candidate, StageReport Report) : IStageOutput;

/// <summary>
/// Trains one candidate and stores it as <c>model.zip</c> with its signature and feature list. The place it is stored at is a function of
/// rows and parameters: the same again is found, not trained.
/// </summary>
public sealed class TrainStage(
    DatasetStore datasets, RunStore runs, DuckDb duckDb, FeatureTableCache tables, TrainerCatalog trainers, TrainingProgress progress,
    TrainingPlaces places, TrainedModels models, PipelineOptions options)
    : IStage<TrainInput, TrainOutput>
{
    private const string MetricsFile = "metrics.json";

    public static string Name => "train";

    public async Task<TrainOutput> RunAsync(StageContext context, TrainInput input, CancellationToken cancel)
    {
        var definition = await context.GetDefinitionAsync(cancel);
        var train = await datasets.OpenAsync(await datasets.GetAsync(input.Train.Id, cancel), cancel);
        var spec = definition.Candidates[input.CandidateIndex];
        var candidate = new Candidate(
            definition.CandidateKeys[input.CandidateIndex], spec, trainers.Find(spec.Trainer, TargetColumn.Of(train.Manifest).Task), definition.Split.Seed);
        var validation = await datasets.OpenAsync(await datasets.GetAsync(input.Validation.Id, cancel), cancel);
        await context.LogParamsAsync(Params(candidate), cancel);

        var featurizer = await Task.Run(() => FitFeaturizer(train, definition, cancel), cancel);
        var name = new ModelIdentity(input.Train.Id, input.Validation.Id, spec, featurizer, candidate.Seed, candidate.Added?.Version).BlobName;
        var found = await models.FindAsync(name, cancel);
        var model = found ?? await TrainAsync(context.RunId, candidate, featurizer, train, validation, name, cancel);

        await context.LogMetricsAsync(model.Metrics.ToDictionary(metric => $"{candidate.Key}.{metric.Key}", metric => metric.Value), cancel);
        await runs.LogArtifactsAsync(
            context.RunId, model.Files.Select(file => new Artifact($"{candidate.Key}/{file.Key}", $"{model.Blobs}/{file.Key}", file.Value)), cancel);
        return new TrainOutput(new TrainedCandidate(candidate.Key, model.Blobs, model.Metrics), new StageReport(input.Train.Rows, Reused: found is not null));
    }

    private Featurizer FitFeaturizer(LocalTable train, PipelineDefinition definition, CancellationToken cancel)
    {
        using var session = duckDb.Open(train.Manifest.Columns.Count, cancel);
        return Featurizer.Fit(session, train, definition);
    }

    private async Task<TrainedModel> TrainAsync(
        string runId, Candidate candidate, Featurizer featurizer, LocalTable train, LocalTable validation, string name, CancellationToken cancel)
    {
        var (spec, seed) = (candidate.Spec, candidate.TrainerSeed);
        var cells = (double)train.Manifest.Rows * featurizer.Signature.Features.Count;
        var minutes = TrainingBudget.MinutesOf(spec, options.MostTrainingMinutes, cells);
        var watch = new TrainingWatch(runId, candidate.Key, minutes);
        using var place = await places.TakeAsync(TrainingPlaces.BytesOf(train.Manifest.Rows, featurizer.Signature.Features.Count), cancel);
        var ml = new MLContext(seed);
        ml.Log += watch.Hear;
        var (trainTable, validationTable) = await tables.GetSplitAsync(train, validation, featurizer, cancel);
        var scale = Trainers.ScaleOf(spec, trainTable);
        var clock = Stopwatch.StartNew();
        // A trainer that does not hear is not waited for: the run's place is free at once.
        var (model, trees) = await progress.FollowAsync(watch, () => Task.Run(
            () =>
            {
                var plan = TrainingBudget.Plan(spec with { MaxMinutes = minutes }, few => Measure(few, trainTable, scale, seed, cancel));
                watch.Note(plan);
                var trainer = new Trainers(Trainers.ContextOf(ml, featurizer.Target.Task, seed, options.Threads, plan.Spec), candidate.Added);
                return (TrainingCancellation.Run(ml, () => trainer.Fit(trainTable, scale), cancel), plan.Spec.Trees);
            },
            cancel).WaitAsync(cancel));
        var seconds = clock.Elapsed.TotalSeconds;

        var metrics = await Task.Run(() => Evaluation.Measure(model, validationTable, options.Threads, scale), cancel);
        var logged = new Dictionary<string, double>(metrics) { ["train_seconds"] = Math.Round(seconds, 3) };
        if (trees < spec.Trees)
        {
            logged["trees_in_budget"] = trees;
        }

        var files = StoredModel.Contents(ml, model, featurizer with { Scale = scale }).Append(new(MetricsFile, BinaryData.FromString(Json.Write(logged))))
            .ToDictionary();
        return await models.StoreAsync(name, files, logged, cancel);
    }

    private TimeSpan Measure(CandidateSpec spec, FeatureTable table, TargetScale? scale, int seed, CancellationToken cancel)
    {
        var watch = Stopwatch.StartNew();
        var ml = new MLContext(seed);
        var trainer = new Trainers(Trainers.ContextOf(ml, table.Featurizer.Target.Task, seed, options.Threads, spec));
        TrainingCancellation.Run(ml, () => trainer.Fit(table, scale), cancel);
        return watch.Elapsed;
    }

    private static Dictionary<string, string> Params(Candidate candidate)
    {
        var (key, spec, added, _) = candidate;
        var parameters = new Dictionary<string, string> { [$"{key}.trainer"] = spec.Trainer };
        if (added is not null)
        {
            parameters[$"{key}.version"] = added.Version;
            foreach (var option in (spec.Options ?? ExtensionOptions.None).Values)
            {
                parameters[$"{key}.{option.Key}"] = option.Value;
            }
            return parameters;
        }
        if (spec.Trainer == TrainerNames.Sdca)
        {
            parameters[$"{key}.l2"] = spec.L2?.ToString("R", CultureInfo.InvariantCulture) ?? "auto";
            parameters[$"{key}.iterations"] = spec.Iterations?.ToString(CultureInfo.InvariantCulture) ?? "auto";
            return parameters;
        }
        parameters[$"{key}.trees"] = spec.Trees.ToString(CultureInfo.InvariantCulture);
        parameters[$"{key}.leaves"] = spec.Leaves.ToString(CultureInfo.InvariantCulture);
        parameters[$"{key}.min_rows_per_leaf"] = spec.MinRowsPerLeaf.ToString(CultureInfo.InvariantCulture);
        if (spec.Trainer != TrainerNames.FastForest)
        {
            parameters[$"{key}.rate"] = spec.Rate.ToString("R", CultureInfo.InvariantCulture);
            parameters[$"{key}.early_stopping"] = spec.EarlyStopping.ToString(CultureInfo.InvariantCulture);
        }
        return parameters;
    }

    /// <summary>What is trained.</summary>
    private sealed record Candidate(string Key, CandidateSpec Spec, ITrainer? Added, long Seed)
    {
        public int TrainerSeed => (int)(Seed % int.MaxValue);
    }
}

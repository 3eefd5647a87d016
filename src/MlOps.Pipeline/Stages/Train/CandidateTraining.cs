using System.Diagnostics;
using Microsoft.ML;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.Train;

/// <summary>Trains one candidate within its budget, on as much of the machine as is free, measures it and stores it.</summary>
public sealed class CandidateTraining(
    FeatureTableCache tables, TrainingProgress progress, TrainingPlaces places, TrainedModels models, PipelineOptions options)
{
    internal const string MetricsFile = "metrics.json";

    /// <param name="runId">The run that shows how far it is.</param>
    /// <param name="candidate">What is trained.</param>
    /// <param name="featurizer">Fitted on the training rows.</param>
    /// <param name="rows">Rows to train and to measure on.</param>
    /// <param name="name">Where the model is stored.</param>
    /// <param name="cancel">Ends the trainer as well.</param>
    internal async Task<TrainedModel> TrainAsync(
        string runId, Candidate candidate, Featurizer featurizer, (LocalTable Train, LocalTable Validation) rows, string name,
        CancellationToken cancel)
    {
        var (spec, seed) = (candidate.Spec, candidate.TrainerSeed);
        var watch = new TrainingWatch(runId, candidate.Key, spec.MaxMinutes);
        using var place = await places.TakeAsync(TrainingPlaces.BytesOf(rows.Train.Manifest.Rows, featurizer.Signature.Features.Count), cancel);
        var ml = new MLContext(seed);
        ml.Log += watch.Hear;
        var (trainTable, validationTable) = await tables.GetSplitAsync(rows.Train, rows.Validation, featurizer, cancel);
        var scale = Trainers.ScaleOf(spec, trainTable);
        var clock = Stopwatch.StartNew();
        // A trainer that does not hear is not waited for: the run's place is free at once.
        var (model, trees) = await progress.FollowAsync(watch, () => Task.Run(
            () =>
            {
                var plan = TrainingBudget.Plan(spec, few => Measure(few, trainTable, scale, seed, cancel));
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
}

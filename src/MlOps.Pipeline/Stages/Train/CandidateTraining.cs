using System.Diagnostics;
using Microsoft.ML;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
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
        var spec = candidate.Spec;
        var watch = new TrainingWatch(runId, candidate.Key, spec.MaxMinutes);
        using var place = await places.TakeAsync(TrainingPlaces.BytesOf(rows.Train.Manifest.Rows, featurizer.Signature.Features.Count), cancel);
        var (trainTable, validationTable) = await tables.GetSplitAsync(rows.Train, rows.Validation, featurizer, cancel);
        var scale = Trainers.ScaleOf(spec, trainTable);
        var folds = Folds.Of(trainTable, candidate.Folds, rows.Train.Manifest.Selection?.Group is not null);
        var clock = Stopwatch.StartNew();
        // A trainer that does not hear is not waited for: the run's place is free at once.
        var (fitted, trees) = await progress.FollowAsync(watch, () => Task.Run(
            () =>
            {
                var plan = TrainingBudget.Plan(spec, Measure, candidate.Folds == 0 ? 1 : 1 + (folds?.Count ?? 1));
                watch.Note(plan);
                var fit = candidate.Folds == 0
                    ? new Fitted(Fit(plan.Spec, heldOut: null))
                    : CrossValidation.Run(trainTable, folds, scale, options.Threads, plan.Spec, (one, heldOut) => Fit(one, heldOut));
                return (fit, plan.Spec.Trees);
            },
            cancel).WaitAsync(cancel));
        PlattScaling? scaling = null;
        // Where rows count differently, that is what probabilities are to tell: calibration on rows that count the same would undo it.
        if (featurizer is { Target.Task: TaskKind.Binary, Weights: null } && fitted.OutOfFold is { } uncalibrated
            && PlattScaling.Find(uncalibrated, trainTable.Labels, folds!) is { } found
            && found.Scaling.AppendTo(new MLContext(candidate.TrainerSeed), fitted.Model, trainTable) is { } calibrated)
        {
            scaling = found.Scaling;
            fitted = fitted with { Model = calibrated, OutOfFold = found.OutOfFold };
        }
        var seconds = clock.Elapsed.TotalSeconds;

        var validated = await Task.Run(() => Evaluation.Score(fitted.Model, validationTable, options.Threads, scale), cancel);
        // Without test rows, no rows would be left to say what a model is worth that was calibrated on those that measure it.
        if (featurizer is { Target.Task: TaskKind.Binary, Weights: null } && fitted.OutOfFold is null && rows.Train.Manifest.Selection?.Test is not null
            && PlattScaling.Find(validated) is { } onValidation
            && onValidation.AppendTo(new MLContext(candidate.TrainerSeed), fitted.Model, trainTable) is { } corrected)
        {
            scaling = onValidation;
            fitted = fitted with { Model = corrected };
            validated = await Task.Run(() => Evaluation.Score(fitted.Model, validationTable, options.Threads, scale), cancel);
        }
        var unlearnt = fitted.OutOfFold is null ? null : Evaluation.Beside(fitted.OutOfFold, trainTable);
        if (candidate.ThresholdMetric is { } decisive && featurizer.Target.Task == TaskKind.Binary)
        {
            featurizer = featurizer with { Threshold = BestThreshold.Of(unlearnt ?? validated, decisive) };
            validated = validated with { Threshold = featurizer.Threshold };
            unlearnt = unlearnt is null ? null : unlearnt with { Threshold = featurizer.Threshold };
        }
        var metrics = validated.Metrics();
        var logged = new Dictionary<string, double>(metrics) { [TrainedCandidate.Seconds] = Math.Round(seconds, 3) };
        if (trees < spec.Trees)
        {
            logged["trees_in_budget"] = trees;
        }
        if (fitted.Trees is { } refitted)
        {
            logged[TrainedCandidate.TreesKept] = refitted;
        }
        if (scaling is not null)
        {
            logged[TrainedCandidate.PlattSlope] = scaling.Slope;
        }
        foreach (var (metric, value) in unlearnt?.Metrics() ?? new Dictionary<string, double>())
        {
            logged[TrainedCandidate.OutOfFold + metric] = value;
        }
        for (var fold = 0; unlearnt is not null && fold < folds!.Count; fold++)
        {
            foreach (var (metric, value) in unlearnt.Take(folds.Held(fold)).Metrics().Where(measured => measured.Key != "threshold"))
            {
                logged[FoldMetrics.NameOf(fold + 1, metric)] = value;
            }
        }

        var files = StoredModel.Contents(new MLContext(), fitted.Model, featurizer with { Scale = scale })
            .Append(new(MetricsFile, BinaryData.FromString(Json.Write(logged)))).ToDictionary();
        if (fitted.OutOfFold is { } outOfFold)
        {
            files[OutOfFold.File] = OutOfFold.Write(outOfFold);
        }
        return await models.StoreAsync(name, files, logged, cancel);

        // Random numbers of its own for each fit, so that none depends on the others.
        ITransformer Fit(CandidateSpec one, bool[]? heldOut, bool heard = true)
        {
            var ml = new MLContext(candidate.TrainerSeed);
            if (heard)
            {
                ml.Log += watch.Hear;
            }
            var trainer = new Trainers(
                Trainers.ContextOf(ml, featurizer, trainTable.Rows, candidate.TrainerSeed, places.ShareOf(options.Threads), one), candidate.Added);
            return TrainingCancellation.Run(ml, () => heldOut is null ? trainer.Fit(trainTable, scale) : trainer.Fit(trainTable, heldOut, scale), cancel);
        }

        TimeSpan Measure(CandidateSpec few)
        {
            var elapsed = Stopwatch.StartNew();
            Fit(few, heldOut: null, heard: false);
            return elapsed.Elapsed;
        }
    }
}

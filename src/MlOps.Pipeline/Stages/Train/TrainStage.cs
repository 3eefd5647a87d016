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
    DatasetStore datasets, RunStore runs, DuckDb duckDb, TrainerCatalog trainers, CandidateTraining training, TrainedModels models,
    PipelineOptions options)
    : IStage<TrainInput, TrainOutput>
{
    public static string Name => "train";

    public async Task<TrainOutput> RunAsync(StageContext context, TrainInput input, CancellationToken cancel)
    {
        var definition = await context.GetDefinitionAsync(cancel);
        var train = await datasets.OpenAsync(await datasets.GetAsync(input.Train.Id, cancel), cancel);
        var spec = definition.Candidates[input.CandidateIndex];
        var target = TargetColumn.Of(train.Manifest);
        CheckClasses(spec, target);
        var added = trainers.Find(spec.Trainer, target.Task);
        CheckWeights(definition.Weights, target, spec, added);
        var candidate = new Candidate(
            definition.CandidateKeys[input.CandidateIndex], spec, added, definition.Split.Seed,
            definition.Train.FoldsOf(TrainingRows(train.Manifest, definition.Split)))
        {
            ThresholdMetric = target.Task == TaskKind.Binary ? definition.ThresholdMetric : null,
        };
        var validation = await datasets.OpenAsync(await datasets.GetAsync(input.Validation.Id, cancel), cancel);
        await context.LogParamsAsync(candidate.Params(), cancel);

        var featurizer = await Task.Run(() => FitFeaturizer(train, definition, cancel), cancel);
        context.Log($"{string.Join(", ", candidate.Params().Select(param => $"{param.Key[(candidate.Key.Length + 1)..]} {param.Value}"))}");
        context.Log($"{train.Manifest.Rows:N0} training and {validation.Manifest.Rows:N0} validation rows, {featurizer.Signature.Features.Count} features");
        context.Log($"folds: {(candidate.Folds == 0 ? "none, the validation rows alone measure" : candidate.Folds)}");
        // What the host allows is part of what the model is: one that was cut short is not taken for a whole one elsewhere.
        var cells = (double)train.Manifest.Rows * featurizer.Signature.Features.Count;
        candidate = candidate with { Spec = spec with { MaxMinutes = TrainingBudget.MinutesOf(spec, options.MostTrainingMinutes, cells) } };
        var name = new ModelIdentity(input.Train.Id, input.Validation.Id, candidate.Spec, featurizer, candidate.Seed, candidate.Added?.Version)
        {
            Folds = candidate.Folds,
            ThresholdMetric = candidate.ThresholdMetric,
        }.BlobName;
        var found = await models.FindAsync(name, cancel);
        var model = found ?? await training.TrainAsync(context.RunId, candidate, featurizer, (train, validation), name, cancel);

        if (candidate.ThresholdMetric is { } decisive && !model.Metrics.ContainsKey(TrainedCandidate.OutOfFold + decisive))
        {
            context.Warn(
                WarningCodes.ThresholdOnValidation,
                $"The threshold is the one by which {decisive} is largest on the validation rows, as there are no folds: {decisive} on them is a "
                + "little too good.");
        }
        // Fifty candidates have many folds: the run shows of each the metric that decides, and the model's file has all.
        var metrics = model.Metrics.Where(metric => !FoldMetrics.IsOne(metric.Key)).ToDictionary();
        foreach (var (metric, value) in metrics)
        {
            context.Log($"{metric} {value:G6}");
        }
        var decides = definition.Gates.Metric ?? DefinitionNames.Metrics[target.Task].First().Key;
        var shown = metrics.Concat(model.Metrics.Where(metric => FoldMetrics.Read(metric.Key) is { } fold && fold.Metric == decides));
        await context.LogMetricsAsync(shown.ToDictionary(metric => $"{candidate.Key}.{metric.Key}", metric => metric.Value), cancel);
        await runs.LogArtifactsAsync(
            context.RunId, model.Files.Select(file => new Artifact($"{candidate.Key}/{file.Key}", $"{model.Blobs}/{file.Key}", file.Value)), cancel);
        return new TrainOutput(new TrainedCandidate(candidate.Key, model.Blobs, metrics), new StageReport(input.Train.Rows, Reused: found is not null));
    }

    /// <summary>Training rows together with test rows that nobody asked for: where these were taken, the table was too large for folds, and still is.</summary>
    private static long TrainingRows(DatasetManifest train, SplitRules declared) => declared.Test is null && train.Selection?.Test is { } test
        ? (long)Math.Round(train.Rows * (1 - declared.Validation) / (1 - declared.Validation - test))
        : train.Rows;

    private static void CheckClasses(CandidateSpec spec, TargetColumn target)
    {
        var most = spec.MaxClasses ?? CandidateSpec.UsualClasses;
        if (spec.Trainer is TrainerNames.FastTree or TrainerNames.FastForest && target.Classes is { } classes && classes.Count > most)
        {
            throw new InputException($"{spec.Trainer} learns one model a class, and '{target.Name}' has {classes.Count} classes, more than the candidate's "
                + $"maxClasses of {most}: it is left out. Raise maxClasses to train it, or use lightgbm.");
        }
    }

    private static void CheckWeights(string? weights, TargetColumn target, CandidateSpec spec, ITrainer? added)
    {
        if (weights == RowWeights.Balanced && target.Task == TaskKind.Regression)
        {
            throw new InputException(
                $"weights is 'balanced', and '{target.Name}' is a number to predict: only classes can be balanced. Name a column, or leave weights out.");
        }
        if (weights is not null && added is { TakesWeights: false })
        {
            throw new InputException(
                $"The trainer '{spec.Trainer}' lets all rows count the same, and the definition declares weights: the candidate is left out.");
        }
        if (weights is not null && target.Task == TaskKind.Multiclass && spec.Trainer == TrainerNames.FastForest)
        {
            // ML.NET calibrates the votes for each class by rows that count the same.
            throw new InputException(
                "The probabilities that fastforest gives to several classes cannot heed weights: the candidate is left out. Use lightgbm, fasttree or sdca.");
        }
    }

    private Featurizer FitFeaturizer(LocalTable train, PipelineDefinition definition, CancellationToken cancel)
    {
        using var session = duckDb.Open(train.Manifest.Columns.Count, cancel);
        return Featurizer.Fit(session, train, definition);
    }
}

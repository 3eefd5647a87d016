using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports.Drift;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Reports.Card;

/// <summary>All that a model card tells, as page and as Markdown.</summary>
public sealed record CardData
{
    public required ModelVersion Version { get; init; }
    public required PipelineDefinition Definition { get; init; }
    public required Featurizer Featurizer { get; init; }
    /// <summary>Where the raw file was.</summary>
    public required string Source { get; init; }
    /// <summary>What the run started for by itself, and why; null where somebody, a time or a file has started it.</summary>
    public string? StartedFor { get; init; }
    public required bool Promoted { get; init; }
    public required IReadOnlyList<string> BlockedBy { get; init; }
    /// <summary>What the run's stages told of the data and the model, headlines first.</summary>
    public required IReadOnlyList<Warning> Warnings { get; init; }
    /// <summary>95 % intervals of this version's metrics on the validation rows, by plain name.</summary>
    public required IReadOnlyDictionary<string, (double Low, double High)> Intervals { get; init; }
    /// <summary>How its intervals hold; null where they were not measured.</summary>
    public CardIntervals? PredictionIntervals { get; init; }
    /// <summary>How it predicts groups of rows.</summary>
    public IReadOnlyList<SliceReport> Slices { get; init; } = [];
    /// <summary>What the test rows say; null: there are none.</summary>
    public CardTest? Test { get; init; }
    /// <summary>From raw to validation.</summary>
    public required IReadOnlyList<CardDataset> Datasets { get; init; }
    /// <summary>Rows that cleaning dropped, by reason.</summary>
    public required IReadOnlyDictionary<string, long> Dropped { get; init; }
    /// <summary>The winner's hyper-parameters.</summary>
    public required IReadOnlyDictionary<string, string> HyperParameters { get; init; }
    /// <summary>Every candidate on the validation rows, in the definition's order.</summary>
    public required IReadOnlyList<CardCandidate> Candidates { get; init; }
    /// <summary>What always predicts the same, on the validation rows; empty where that was not measured.</summary>
    public IReadOnlyDictionary<string, double> Baseline { get; init; } = new Dictionary<string, double>();
    /// <summary>The version in production before; null when there was none.</summary>
    public CardPrevious? Previous { get; init; }
    public required Performance Performance { get; init; }
    public required IReadOnlyList<CardGate> Gates { get; init; }
    /// <summary>Null when the run has no drift report.</summary>
    public DriftReport? Drift { get; init; }
    /// <summary>The explanation's PNG files by name; empty when there is no explanation.</summary>
    public required IReadOnlyDictionary<string, BinaryData> Pictures { get; init; }
    public required IReadOnlyList<Artifact> Artifacts { get; init; }

    /// <summary>True where the validation rows also chose this version among several candidates.</summary>
    public bool SelectedOnSameRows => Candidates.Count > 1 && !IsCrossValidated;

    /// <summary>True where folds of the training rows chose this version.</summary>
    public bool IsCrossValidated => Candidates.Count > 0 && Candidates.All(candidate => candidate.Metrics.ContainsKey(ChosenBy));

    /// <summary>The metric that chooses where there are folds.</summary>
    public string ChosenBy => TrainedCandidate.OutOfFold + Evaluation.DecidingMetric(Definition.Gates, Target.Task).Name;

    /// <summary>Whether a metric's name is that of one out of fold.</summary>
    public static bool IsOutOfFold(string metric) => metric.StartsWith(TrainedCandidate.OutOfFold, StringComparison.Ordinal);

    public TargetColumn Target => Featurizer.Target;

    public string Status => this switch
    {
        { Promoted: false } => "Registered, not promoted",
        { Previous: { } previous } => $"Promoted to production in place of version {previous.Version}",
        _ => "Promoted to production; the first version there",
    };

    public string TaskText => LearningText + Featurizer.Weights switch
    {
        null => "",
        RowWeights.Balanced => ", learnt from classes that count the same in all",
        var column => $", learnt from rows that count as {column} says",
    };

    private string LearningText => Target.Task switch
    {
        TaskKind.Binary => $"Binary classification: {Target.Name} = {Target.Positive} or {Target.Negative}",
        TaskKind.Multiclass => $"Classification: {Target.Name} is one of {Target.Classes!.Count} classes",
        _ => $"Regression of {Target.Name}",
    };
}

/// <summary>A dataset version the model comes from.</summary>
public sealed record CardDataset(string Role, string Id, long Rows, IReadOnlyList<string> Parents, DateTimeOffset Created)
{
    /// <summary>Of how many rows these are a sample; null: they are all.</summary>
    public long? SampledFrom { get; init; }
}

/// <summary>This version on the test rows, which nothing was chosen by.</summary>
/// <param name="Metrics">By plain name.</param>
/// <param name="Intervals">Their 95 % intervals.</param>
public sealed record CardTest(IReadOnlyDictionary<string, double> Metrics, IReadOnlyDictionary<string, (double Low, double High)> Intervals);

/// <summary>A candidate of the run.</summary>
public sealed record CardCandidate(string Key, bool IsWinner, IReadOnlyDictionary<string, double> Metrics);

/// <summary>The version that was in production.</summary>
/// <param name="Version">Its number.</param>
/// <param name="Metrics">Its metrics.</param>
/// <param name="OnSameRows">True: measured on this run's validation rows. False: as registered, on its own.</param>
public sealed record CardPrevious(int Version, IReadOnlyDictionary<string, double> Metrics, bool OnSameRows)
{
    /// <summary>By how much this version is better, on the rows by which both can be judged; null where they were not compared.</summary>
    public CardGain? Gain { get; init; }
}

/// <param name="Metric">The metric that decides, by plain name.</param>
/// <param name="Value">By how much this version is better, in the unit of the metric; below 0: worse.</param>
/// <param name="Interval">Its 95 % interval, row by row; null where there is none.</param>
public sealed record CardGain(string Metric, double Value, (double Low, double High)? Interval);

public enum GateVerdict
{
    Passed,
    Failed,
    /// <summary>An earlier gate had failed.</summary>
    NotReached,
    /// <summary>Recorded; it could not have stopped the version.</summary>
    Information,
}

/// <summary>A gate with its outcome.</summary>
public sealed record CardGate(string Name, string Rule, GateVerdict Verdict, string Detail);

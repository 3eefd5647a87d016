using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;

namespace MlOps.Web.Views;

/// <summary>A run as it is shown. Stages, params, metrics and artifacts only where one run is asked for.</summary>
public sealed record RunView
{
    public required string RunId { get; init; }
    public required string Model { get; init; }
    public required RunState State { get; init; }
    public required string Source { get; init; }
    /// <summary>What the dataset version was called that it reads, such as <c>golden</c>; left out where it reads a file.</summary>
    public string? Data { get; init; }
    /// <summary>What started it: <c>http</c>, <c>cli</c>, <c>schedule</c>, <c>file</c>, <c>drift</c>, <c>decay</c>,
    /// <c>rows</c> or <c>retry</c>.</summary>
    public required string Trigger { get; init; }
    /// <summary>Why it started itself, in one sentence; left out where somebody, a time or a file has started it.</summary>
    public string? Reason { get; init; }
    /// <summary>
    /// What it is for: <c>model</c> goes all the way, <c>dataset</c> only ingests, <c>canary</c> brings a version that there is into production,
    /// <c>score</c> scores a table with one.
    /// </summary>
    public required RunGoal Goal { get; init; }
    public required string DefinitionId { get; init; }
    public required DateTimeOffset Created { get; init; }
    public DateTimeOffset? Started { get; init; }
    public DateTimeOffset? Ended { get; init; }
    /// <summary>The dataset version that a run of goal <c>dataset</c> or <c>score</c> came to.</summary>
    public string? Dataset { get; init; }
    /// <summary>The version that the run registered, that its canary is about, or that it scores with.</summary>
    public int? Version { get; init; }
    public required bool Promoted { get; init; }
    /// <summary>Why nothing was promoted, one sentence a reason.</summary>
    public required IReadOnlyList<string> BlockedBy { get; init; }
    /// <summary>What a person decided about the version.</summary>
    public ApprovalDecision? Approval { get; init; }
    /// <summary>What a person decided about its canary.</summary>
    public ApprovalDecision? CanaryDecision { get; init; }
    public string? Error { get; init; }
    /// <summary>In the pipeline's order, those still to come included.</summary>
    public IReadOnlyList<StageStatus>? Stages { get; init; }
    public IReadOnlyDictionary<string, string>? Params { get; init; }
    /// <summary>In lists those of the winner, once the run has ended.</summary>
    public IReadOnlyDictionary<string, double>? Metrics { get; init; }
    public IReadOnlyList<ArtifactLink>? Artifacts { get; init; }
    /// <summary>What people were told, or should have been.</summary>
    public IReadOnlyList<Alert>? Alerts { get; init; }
    /// <summary>How good the winner would be with fewer trees; only on the run's page and in its twin.</summary>
    public LearningCurve? LearningCurve { get; init; }
    /// <summary>The first rows that were dropped, by reason; only on the run's page and in its twin.</summary>
    public IReadOnlyList<DroppedRows>? DroppedRows { get; init; }
    /// <summary>Whether it comes to the same when it is run again; only on the run's page and in its twin, where the host can do that.</summary>
    public ShownReproduction? Reproduction { get; init; }
    /// <summary>The end of a stage's log; only on the run's page and in its twin.</summary>
    public ShownLog? Log { get; init; }
    /// <summary>What can be done next, by name.</summary>
    public required IReadOnlyDictionary<string, string> Links { get; init; }

    public static RunView Of(Run run) => new()
    {
        RunId = run.RunId,
        Model = run.Model,
        State = run.State,
        Source = run.Source,
        Data = run.Data,
        Trigger = run.Trigger,
        Reason = run.Reason,
        Goal = run.Goal,
        DefinitionId = run.DefinitionId,
        Created = run.Created,
        Started = run.Started,
        Ended = run.Ended,
        Dataset = run.Dataset,
        Version = run.Version,
        Promoted = run.Promoted,
        BlockedBy = run.BlockedBy,
        Approval = run.Approval,
        CanaryDecision = run.CanaryDecision,
        Error = run.Error,
        Metrics = run.Metrics,
        Links = LinksOf(run),
    };

    /// <summary>The run with everything it logged.</summary>
    /// <param name="details">What it logged.</param>
    /// <param name="definition">Tells which stages are still to come; null when it is gone.</param>
    public static RunView Of(RunDetails details, PipelineDefinition? definition) => Of(details.Run) with
    {
        Stages = [.. StagesOf(details, definition)],
        Params = details.Params,
        Metrics = details.Metrics,
        Artifacts =
        [
            .. details.Artifacts.Select(artifact => new ArtifactLink(artifact.Path, artifact.Bytes, Views.Links.Artifact(details.Run.RunId, artifact.Path)))
        ],
        Alerts = details.Alerts,
    };

    /// <summary>The pipeline's outline with what is known filled in; stages that the outline does not have stand where they started.</summary>
    private static IEnumerable<StageStatus> StagesOf(RunDetails details, PipelineDefinition? definition)
    {
        var outline = TrainingPipeline.Outline(
            details.Run.Goal, definition?.CandidateKeys ?? [], definition?.Gates.Approval.Required ?? false, definition?.Expect.IsEmpty == false,
            details.Run.Canary?.Plan ?? definition?.Traffic.Canary);
        var notStarted = details.Run.HasEnded ? StageState.Skipped : StageState.Pending;
        var known = details.Stages.ToDictionary(stage => (stage.Stage, stage.Key));
        var shown = outline.Select(call => known.TryGetValue(call, out var stage) ? stage : new StageStatus(call.Stage, call.Key, notStarted)).ToList();
        var places = outline.ToHashSet();
        foreach (var stage in details.Stages.Where(stage => !places.Contains((stage.Stage, stage.Key))))
        {
            shown.Insert(1 + shown.FindLastIndex(before => before.Started <= stage.Started), stage);
        }
        return shown;
    }

    private static Dictionary<string, string> LinksOf(Run run)
    {
        var self = Views.Links.Run(run.RunId);
        var links = new Dictionary<string, string> { ["self"] = self };
        if (run.State == RunState.Waiting)
        {
            links["approve"] = self + "/approve";
            links["reject"] = self + "/reject";
        }
        links[run.HasEnded ? "retry" : "cancel"] = self + (run.HasEnded ? "/retry" : "/cancel");
        if (run.Version is { } version)
        {
            links["version"] = Views.Links.Version(run.Model, version);
        }
        if (run is { Goal: RunGoal.Score, Dataset: { } scored })
        {
            links["content"] = Views.Links.Data(run.Model, scored) + "/content";
        }
        return links;
    }
}

/// <summary>The log of a stage as a run's page shows it.</summary>
/// <param name="Stages">Stages that have one, in the order of the run.</param>
/// <param name="Part">Its end.</param>
/// <param name="IsChosen">Whether it was asked for by name.</param>
public sealed record ShownLog(IReadOnlyList<string> Stages, StageLogPart Part, bool IsChosen);

/// <summary>What a run's page shows of its reproduction.</summary>
/// <param name="Latest">The latest; left out where nobody has asked for one.</param>
public sealed record ShownReproduction(Reproduction? Latest);

/// <summary>A file that a run keeps.</summary>
public sealed record ArtifactLink(string Path, long Bytes, string Url);

/// <summary>Runs, newest first.</summary>
/// <param name="Runs">This page of them.</param>
/// <param name="Next">Where the list goes on; left out at its end.</param>
public sealed record RunList(IReadOnlyList<RunView> Runs, string? Next);

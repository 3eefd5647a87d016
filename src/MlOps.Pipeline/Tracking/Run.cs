using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Tracking;

public enum RunState
{
    Queued,
    Running,
    /// <summary>Waiting for an approval, or for what becomes of a canary.</summary>
    Waiting,
    Succeeded,
    /// <summary>Ended well, nothing promoted; the reasons are listed.</summary>
    Blocked,
    Failed,
    Cancelled,
}

/// <summary>What a run is for: when it is reached, the run has succeeded.</summary>
public enum RunGoal
{
    /// <summary>A version in production, by way of every stage.</summary>
    Model,
    /// <summary>The file as dataset version <c>raw</c>: the run ends after stage ingest.</summary>
    Dataset,
    /// <summary>A version that there is, in production by way of a canary.</summary>
    Canary,
    /// <summary>A table scored with a version that there is, as a dataset version.</summary>
    Score,
}

public enum StageState
{
    Pending,
    Running,
    Succeeded,
    /// <summary>The result of an earlier run with the same content and parameters was taken.</summary>
    Reused,
    Skipped,
    Failed,
}

/// <summary>One execution of a pipeline definition.</summary>
public sealed record Run : IStored
{
    public static int CurrentFormat => 1;

    public static string StoredAs => "run";

    public int Format { get; init; } = CurrentFormat;

    public required string RunId { get; init; }
    public required string Model { get; init; }
    public required RunState State { get; init; }
    public required string DefinitionId { get; init; }
    /// <summary>
    /// Where the raw file is: <c>raw/{model}/{file}</c> for a blob, <c>datasets/{id}</c> for a raw dataset version, an absolute path for a local file. The
    /// version that a run of goal <see cref="RunGoal.Canary"/> is about: <c>models/{model}/versions/{version}</c>.
    /// </summary>
    public required string Source { get; init; }
    /// <summary>
    /// The state of the blob that the run was asked for: another is not its file. Null for a local file, and for runs that were started before it was kept.
    /// </summary>
    public string? SourceETag { get; init; }
    /// <summary>What the dataset version was called that the run reads, such as <c>golden</c>; null where it reads a file.</summary>
    public string? Data { get; init; }
    /// <summary>What started the run: one of <see cref="RunTriggers"/>.</summary>
    public required string Trigger { get; init; }
    /// <summary>Why it started itself, in one sentence; null where somebody, a time or a file has started it.</summary>
    public string? Reason { get; init; }
    public required DateTimeOffset Created { get; init; }
    /// <summary>
    /// The span that started it, as W3C Trace Context writes it, under which its stages are; null where nobody listened to traces, and for runs that were
    /// started before it was kept.
    /// </summary>
    public string? TraceParent { get; init; }
    public RunGoal Goal { get; init; }
    /// <summary>What the run does while an earlier one of its model has not ended.</summary>
    public Overlap Overlap { get; init; }
    public DateTimeOffset? Started { get; init; }
    public DateTimeOffset? Ended { get; init; }
    /// <summary>The dataset version that a run of goal <see cref="RunGoal.Dataset"/> or <see cref="RunGoal.Score"/> came to.</summary>
    public string? Dataset { get; init; }
    /// <summary>The version that this run registered, that its canary is about, or that it scores with.</summary>
    public int? Version { get; init; }
    /// <summary>What a run of goal <see cref="RunGoal.Canary"/> was asked for.</summary>
    public CanaryOrder? Canary { get; init; }
    /// <summary>What a run of goal <see cref="RunGoal.Score"/> was asked for.</summary>
    public ScoreOrder? Score { get; init; }
    /// <summary>What a person decided about a canary under way; null: nobody has.</summary>
    public ApprovalDecision? CanaryDecision { get; init; }
    public bool Promoted { get; init; }
    /// <summary>What a person decided about it; null when nobody was asked, or has answered yet.</summary>
    public ApprovalDecision? Approval { get; init; }
    /// <summary>Why nothing was promoted, one sentence a reason.</summary>
    public IReadOnlyList<string> BlockedBy { get; init; } = [];
    public string? Error { get; init; }
    /// <summary>
    /// The winner's metrics, <c>val_*</c> and <c>test_*</c>, from the end on: what runs are compared by, without reading all that each logged. Null before, and
    /// for runs that ended before it was kept.
    /// </summary>
    public IReadOnlyDictionary<string, double>? Metrics { get; init; }

    [System.Text.Json.Serialization.JsonIgnore]
    public bool HasEnded => State is RunState.Succeeded or RunState.Blocked or RunState.Failed or RunState.Cancelled;
}

/// <summary>State of one call of a stage within a run.</summary>
/// <param name="Stage">The stage's name.</param>
/// <param name="Key">Tells calls of the same stage apart; empty for the only one.</param>
/// <param name="State">Where it stands.</param>
/// <param name="Started">First start, also after a crash.</param>
/// <param name="Ended">When it reached its final state.</param>
/// <param name="Seconds">Time of the attempt that ended it.</param>
/// <param name="Rows">Rows written or used.</param>
/// <param name="Attempts">How often it was started.</param>
/// <param name="Error">Why it failed.</param>
/// <param name="Warnings">What the user should know although the stage went on.</param>
public sealed record StageStatus(
    string Stage, string Key, StageState State, DateTimeOffset? Started = null, DateTimeOffset? Ended = null, double? Seconds = null,
    long? Rows = null, int Attempts = 0, string? Error = null, IReadOnlyList<Warning>? Warnings = null)
{
    /// <summary>The stage within which a run ends.</summary>
    public const string Last = "finish";
}

/// <summary>A file that a run keeps. <paramref name="Blob"/> may be shared with other runs that reuse it.</summary>
public sealed record Artifact(string Path, string Blob, long Bytes);

/// <summary>A run with everything it logged.</summary>
public sealed record RunDetails(
    Run Run, IReadOnlyList<StageStatus> Stages, IReadOnlyDictionary<string, string> Params, IReadOnlyDictionary<string, double> Metrics,
    IReadOnlyList<Artifact> Artifacts, IReadOnlyList<Alert> Alerts);


namespace MlOps.Pipeline.Tracking;

/// <summary>What is told; a run, or a check of live rows, tells each at most once.</summary>
public enum AlertKind
{
    ValidationFailed,
    DriftDetected,
    PromotionSucceeded,
    PromotionBlocked,
    RunFailed,
    /// <summary>Of a version that serves, not of a run.</summary>
    LiveDriftDetected,
}

public enum AlertState
{
    /// <summary>Claimed by a host that is sending it; if that host died, it may or may not have arrived, and is not sent again.</summary>
    Sending,
    Sent,
    /// <summary>There is no webhook.</summary>
    NotSent,
    /// <summary>Slack refused it or did not answer in time.</summary>
    Failed,
}

/// <summary>An alert of a run, or of a check of live rows.</summary>
/// <param name="Kind">What is told.</param>
/// <param name="State">What became of it.</param>
/// <param name="Title">Its headline.</param>
/// <param name="Reasons">Why, one sentence each.</param>
/// <param name="At">When it was claimed.</param>
/// <param name="Problem">Why it was not sent.</param>
public sealed record Alert(AlertKind Kind, AlertState State, string Title, IReadOnlyList<string> Reasons, DateTimeOffset At, string? Problem = null);

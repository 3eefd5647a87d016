using System.Text.Json.Serialization;

namespace MlOps.Pipeline.Tracking;

/// <summary>What is told; a run, a check of live rows, or what is decided of a split, tells each at most once.</summary>
public enum AlertKind
{
    /// <summary>The table of a run is not as expected.</summary>
    TableUnexpected,
    ValidationFailed,
    DriftDetected,
    PromotionSucceeded,
    PromotionBlocked,
    RunFailed,
    /// <summary>Of a version that serves, not of a run.</summary>
    LiveDriftDetected,
    /// <summary>Of a version that serves: a signal has become a warning, or is none any more.</summary>
    SignalChanged,
    /// <summary>Of versions between which traffic is split by hand, not of a run.</summary>
    TrafficDecided,
}

public enum AlertState
{
    /// <summary>Claimed by a host that is sending it; if that host died, it may or may not have arrived, and is not sent again.</summary>
    Sending,
    Sent,
    /// <summary>The channel is off, such as Slack without a webhook.</summary>
    NotSent,
    /// <summary>The channel refused it or did not answer in time.</summary>
    Failed,
}

/// <summary>An alert of a run, or of a check of live rows.</summary>
/// <param name="Kind">What is told.</param>
/// <param name="Title">Its headline.</param>
/// <param name="Reasons">Why, one sentence each.</param>
/// <param name="At">When it was claimed.</param>
/// <param name="Deliveries">What became of it, by channel.</param>
public sealed record Alert(AlertKind Kind, string Title, IReadOnlyList<string> Reasons, DateTimeOffset At, IReadOnlyList<AlertDelivery> Deliveries)
{
    // Rows that were written before there were channels have none.
    public IReadOnlyList<AlertDelivery> Deliveries { get; init; } = Deliveries ?? [];

    /// <summary>What became of it on the whole: sending while a channel is, else failed when one did, else sent when one took it.</summary>
    public AlertState State => Deliveries.Select(delivery => delivery.State).OrderBy(state => state switch
    {
        AlertState.Sending => 0,
        AlertState.Failed => 1,
        AlertState.Sent => 2,
        _ => 3,
    }).DefaultIfEmpty(AlertState.NotSent).First();

    /// <summary>True when a channel took it.</summary>
    [JsonIgnore]
    public bool HasArrived => Deliveries.Any(delivery => delivery.State == AlertState.Sent);
}

/// <summary>What became of an alert in one channel.</summary>
/// <param name="Channel">The channel's name, such as <c>slack</c>.</param>
/// <param name="State">What became of it.</param>
/// <param name="Problem">Why it was not sent; null when it was, or is being sent.</param>
public sealed record AlertDelivery(string Channel, AlertState State, string? Problem = null);

namespace MlOps.Pipeline.OpenLineage;

/// <summary>Where events of runs go, in the OpenLineage format; from the host's settings only.</summary>
public sealed record OpenLineageOptions
{
    /// <summary>What events are posted to, its path <c>/api/v1/lineage</c> included; null: nothing is told.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Sent as a bearer token: a secret, never logged nor stored.</summary>
    public string? ApiKey { get; init; }

    /// <summary>The namespace of jobs and of dataset versions.</summary>
    public string Namespace { get; init; } = "mlops";

    /// <summary>Longest time to wait for one answer.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long an event is tried again that was not taken; then it is lost, and the log says so.</summary>
    public TimeSpan KeepTrying { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Pause after a receiver did not take an event, doubled each time up to five minutes.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Says nothing of the key, nor of what may stand in the address: records print their members.</summary>
    public override string ToString() => $"{nameof(OpenLineageOptions)} {{ On = {Endpoint is not null}, Namespace = {Namespace} }}";
}

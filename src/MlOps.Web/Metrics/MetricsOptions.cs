namespace MlOps.Web.Metrics;

/// <summary>What the host decides about <c>GET /metrics</c>.</summary>
public sealed record MetricsOptions
{
    /// <summary>
    /// Whether everything since the host's start is counted. False: since <c>GET /metrics</c> was first asked for, so that a host whose metrics go another
    /// way does not count all of it twice.
    /// </summary>
    public bool FromTheStart { get; init; } = true;
}

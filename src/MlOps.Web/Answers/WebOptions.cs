namespace MlOps.Web.Answers;

/// <summary>What a host decides about its HTTP face.</summary>
public sealed record WebOptions
{
    /// <summary>How long storage may take to answer <c>GET /health</c>.</summary>
    public TimeSpan HealthTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Whether a run may be followed by a stream of events; false: the host has no call to spare for each that looks on.</summary>
    public bool HasEvents { get; init; } = true;

    /// <summary>Time between two looks at a run that somebody follows.</summary>
    public TimeSpan WatchEvery { get; init; } = TimeSpan.FromSeconds(1);
}

namespace MlOps.Web;

/// <summary>What a host decides about its HTTP face.</summary>
public sealed record WebOptions
{
    /// <summary>How long storage may take to answer <c>GET /health</c>.</summary>
    public TimeSpan HealthTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Whether an answer reaches its caller while it is still being written; false: the host keeps it until it is whole.</summary>
    public bool StreamsAnswers { get; init; } = true;

    /// <summary>Time between two looks at a run that somebody follows.</summary>
    public TimeSpan WatchEvery { get; init; } = TimeSpan.FromSeconds(1);
}

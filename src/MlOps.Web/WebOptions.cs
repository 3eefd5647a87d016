namespace MlOps.Web;

/// <summary>What a host decides about its HTTP face.</summary>
public sealed record WebOptions
{
    /// <summary>How long storage may take to answer <c>GET /health</c>.</summary>
    public TimeSpan HealthTimeout { get; init; } = TimeSpan.FromSeconds(2);
}

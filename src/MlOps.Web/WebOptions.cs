namespace MlOps.Web;

/// <summary>What a host decides about its HTTP face.</summary>
public sealed record WebOptions
{
    /// <summary>Largest JSON body, in bytes. Raw files have no limit.</summary>
    public int MaxJsonBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>How long storage may take to answer <c>GET /health</c>.</summary>
    public TimeSpan HealthTimeout { get; init; } = TimeSpan.FromSeconds(2);
}

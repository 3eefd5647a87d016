namespace MlOps.Serving.Monitoring;

/// <summary>As what a version answers.</summary>
public static class Variants
{
    /// <summary>The version in production.</summary>
    public const string Production = "production";

    /// <summary>A version that has a share of the requests.</summary>
    public const string Challenger = "challenger";

    /// <summary>A version that is asked too, and whose answers nobody gets.</summary>
    public const string Shadow = "shadow";

    /// <summary>A version that was asked for by its number.</summary>
    public const string Version = "version";
}

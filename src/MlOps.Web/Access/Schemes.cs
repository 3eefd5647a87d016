namespace MlOps.Web.Access;

/// <summary>The ways in; each is an authentication scheme.</summary>
internal static class Schemes
{
    /// <summary>Looks at a request and takes the way that fits.</summary>
    public const string Any = "mlops";

    public const string Key = "key";

    public const string Entra = "entra";

    /// <summary>Signs browsers in with Entra ID.</summary>
    public const string EntraBrowser = "entra-browser";

    public const string Cookie = "cookie";

    public const string Platform = "platform";

    /// <summary>Without anything, where that is enough.</summary>
    public const string Open = "open";
}

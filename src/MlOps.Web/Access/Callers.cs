using System.Security.Claims;

namespace MlOps.Web.Access;

/// <summary>Who calls, as ASP.NET Core has it: a name, and the roles of the routes.</summary>
public static class Callers
{
    public const string KeyIdClaim = "mlops:key";

    internal const string NameClaim = "name";
    internal const string RoleClaim = "roles";

    /// <summary>Names of callers are told and stored: longer ones are cut.</summary>
    private const int LongestName = 200;

    /// <summary>Name of a role in claims and in the app roles of Entra ID.</summary>
    public static string NameOf(RouteRole role) => role.ToString().ToLowerInvariant();

    /// <summary>The roles that may call what is for this role.</summary>
    internal static IEnumerable<string> RolesFrom(RouteRole role) => Enum.GetValues<RouteRole>().Where(other => other >= role).Select(NameOf);

    internal static ClaimsPrincipal Of(Bearer bearer, string scheme) => Of(bearer.Name, bearer.Role, bearer.KeyId, scheme);

    internal static ClaimsPrincipal Of(string name, RouteRole role, string? keyId, string scheme)
    {
        var claims = new List<Claim> { new(NameClaim, name), new(RoleClaim, NameOf(role)) };
        if (keyId is { } id)
        {
            claims.Add(new Claim(KeyIdClaim, id));
        }
        return new ClaimsPrincipal(new ClaimsIdentity(claims, scheme, NameClaim, RoleClaim));
    }

    /// <summary>Name of who calls; null when nobody has signed in.</summary>
    public static string? NameOf(ClaimsPrincipal caller) => caller.Identity is { IsAuthenticated: true, Name: { Length: > 0 } name }
        ? name[..Math.Min(name.Length, LongestName)]
        : null;

    /// <summary>Whether somebody has proved who they are, and not only come from this machine.</summary>
    public static bool IsProven(ClaimsPrincipal caller) => caller.Identity is { IsAuthenticated: true, AuthenticationType: not Schemes.Open };
}

using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace MlOps.Web.Access;

/// <summary>
/// The key that a request brings: as <c>Authorization: Bearer</c>, as the password of <c>Authorization: Basic</c> (the user's name does not matter),
/// as <c>x-functions-key</c> or as <c>?code=</c>.
/// </summary>
internal static class PresentedKey
{
    /// <summary>Null when it brings none. A bearer token that does not look like a key may be somebody else's to read.</summary>
    public static string? Find(HttpRequest request, AccessOptions options)
    {
        if (ParameterOf(request, "Bearer") is { } bearer)
        {
            return options.Entra is not null && IsToken(bearer) ? null : bearer;
        }
        if (ParameterOf(request, "Basic") is { } basic)
        {
            return PasswordOf(basic);
        }
        return First(request.Headers["x-functions-key"]) ?? First(request.Query["code"]);
    }

    /// <summary>Whether it brings a token of Entra ID.</summary>
    public static bool IsToken(HttpRequest request, AccessOptions options) => options.Entra is not null && ParameterOf(request, "Bearer") is not null;

    private static bool IsToken(string text) => text.StartsWith("ey", StringComparison.Ordinal) && text.AsSpan().Count('.') == 2;

    /// <summary>What follows the scheme's name in header <c>Authorization</c>; null when there is nothing, or another scheme.</summary>
    private static string? ParameterOf(HttpRequest request, string scheme) =>
        request.Headers.Authorization is [{ } header] && header.Length > scheme.Length + 1 && header[scheme.Length] == ' '
        && header.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) && header[(scheme.Length + 1)..].Trim() is { Length: > 0 } parameter
            ? parameter
            : null;

    private static string PasswordOf(string parameter)
    {
        try
        {
            var pair = Encoding.UTF8.GetString(Convert.FromBase64String(parameter));
            return pair[(pair.IndexOf(':') + 1)..];
        }
        catch (FormatException)
        {
            return "";
        }
    }

    private static string? First(StringValues values) => values is [{ Length: > 0 } value, ..] ? value : null;
}

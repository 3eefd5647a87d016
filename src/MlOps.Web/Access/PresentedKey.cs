using System.Net.Http.Headers;
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
        if (AuthenticationHeaderValue.TryParse(request.Headers.Authorization, out var header) && header.Parameter is { Length: > 0 } parameter)
        {
            switch (header.Scheme.ToLowerInvariant())
            {
                case "bearer":
                    return options.Entra is not null && IsToken(parameter) ? null : parameter;
                case "basic":
                    return PasswordOf(parameter);
            }
        }
        return First(request.Headers["x-functions-key"]) ?? First(request.Query["code"]);
    }

    public static bool IsToken(string text) => text.StartsWith("ey", StringComparison.Ordinal) && text.AsSpan().Count('.') == 2;

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

using Microsoft.Extensions.Configuration;
using MlOps.Pipeline.Contracts;

namespace MlOps.Web.Access;

/// <summary>
/// Reads <see cref="AccessOptions"/> from a host's settings, section <c>Access</c>; as environment variables <c>Access__AdminKey</c> and so on.
/// </summary>
public static class AccessSettings
{
    private const int ShortestKey = 20;

    /// <exception cref="InputException">A setting is wrong; the message says which, and does not repeat a key.</exception>
    public static AccessOptions Read(IConfiguration configuration)
    {
        var section = configuration.GetSection("Access");
        var open = ReadOpen(section["Open"]);
        return new AccessOptions
        {
            IsOpen = open != Open.No,
            OwnNamesOnly = open == Open.Local,
            AdminKey = ReadKey(section["AdminKey"]),
            Entra = ReadEntra(section.GetSection("Entra")),
            PlatformEndsTls = configuration["WEBSITE_INSTANCE_ID"] is { Length: > 0 } || configuration["CONTAINER_APP_NAME"] is { Length: > 0 },
            PlatformSignsIn = string.Equals(configuration["WEBSITE_AUTH_ENABLED"], "true", StringComparison.OrdinalIgnoreCase),
        };
    }

    private static Open ReadOpen(string? text) => text?.ToLowerInvariant() switch
    {
        null or "" or "false" => Open.No,
        "local" => Open.Local,
        "true" => Open.ToAll,
        _ => throw new InputException(
            $"The setting Access:Open is '{text}'; it must be false, local (who asks as 127.0.0.1 or localhost needs no key) or true (nobody needs one)."),
    };

    private static string? ReadKey(string? key) => key is not { Length: > 0 } ? null : key.Length >= ShortestKey
        ? key
        : throw new InputException($"The setting Access:AdminKey has {key.Length} characters; {ShortestKey} are the fewest. Make a random one.");

    private static EntraOptions? ReadEntra(IConfigurationSection section)
    {
        var (clientId, authority, tenant) = (section["ClientId"], section["Authority"], section["TenantId"]);
        if (clientId is not { Length: > 0 })
        {
            return authority is { Length: > 0 } || tenant is { Length: > 0 }
                ? throw new InputException("The setting Access:Entra:ClientId is missing: whose tokens are to be taken?")
                : null;
        }
        return authority is { Length: > 0 } ? EntraOptions.Of(authority, clientId) : tenant is { Length: > 0 }
            ? EntraOptions.Of($"https://login.microsoftonline.com/{Uri.EscapeDataString(tenant)}/v2.0", clientId)
            : throw new InputException("Set Access:Entra:TenantId beside Access:Entra:ClientId, or Access:Entra:Authority for another cloud.");
    }

    private enum Open
    {
        No,
        Local,
        ToAll,
    }
}

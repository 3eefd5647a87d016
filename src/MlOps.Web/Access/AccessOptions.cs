using MlOps.Pipeline.Contracts;

namespace MlOps.Web.Access;

/// <summary>Whom a host lets in. Unless it says otherwise, nobody without a key.</summary>
public sealed record AccessOptions
{
    /// <summary>Whether who comes without a key, token or cookie may do everything: the host is bound to this machine, or was told so aloud.</summary>
    public bool IsOpen { get; init; }

    /// <summary>
    /// Whether only requests to this machine's own names are answered: a page from elsewhere can point a name of its own at 127.0.0.1
    /// (DNS rebinding), and a browser would take our answers for that page's.
    /// </summary>
    public bool OwnNamesOnly { get; init; }

    /// <summary>A key of role admin from the host's settings, beside those in storage; null: none.</summary>
    public string? AdminKey { get; init; }

    /// <summary>A key of role admin that this process made for the commands of the same machine; null: none.</summary>
    public string? MachineKey { get; init; }

    /// <summary>Whose tokens are taken; null: nobody's.</summary>
    public EntraOptions? Entra { get; init; }

    /// <summary>Whether App Service or Container Apps signs callers in, and so sets <c>X-MS-CLIENT-PRINCIPAL</c> itself: else clients could.</summary>
    public bool PlatformSignsIn { get; init; }

    /// <summary>Whether App Service or Container Apps ends TLS before us, and so sets <c>X-Forwarded-Proto</c> itself.</summary>
    public bool PlatformEndsTls { get; init; }

    /// <summary>Whether somebody could come in with something.</summary>
    public bool HasWayIn => AdminKey is not null || Entra is not null || PlatformSignsIn;
}

/// <summary>An app registration of Entra ID: its tokens are taken, with the app roles <c>reader</c>, <c>operator</c> and <c>admin</c>.</summary>
/// <param name="Authority">Who issues the tokens, such as <c>https://login.microsoftonline.com/TENANT/v2.0</c>.</param>
/// <param name="ClientId">Id of the registration: the audience of the tokens, alone or as <c>api://ID</c>.</param>
public sealed record EntraOptions(Uri Authority, string ClientId)
{
    /// <exception cref="InputException">It is no address, or one without TLS that is not this machine's.</exception>
    public static EntraOptions Of(string authority, string clientId) =>
        Uri.TryCreate(authority, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback))
            ? new EntraOptions(uri, clientId)
            : throw new InputException(
                $"The authority of Entra ID '{authority}' must be an https address, such as https://login.microsoftonline.com/TENANT/v2.0.");
}

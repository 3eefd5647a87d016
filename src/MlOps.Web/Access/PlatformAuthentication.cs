using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MlOps.Web.Access;

/// <summary>
/// Believes whom App Service or Container Apps has signed in. Only where the platform does so: it then takes these headers off what clients send
/// (https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities).
/// </summary>
internal sealed class PlatformAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logging, UrlEncoder encoder)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logging, encoder)
{
    public const string Header = "X-MS-CLIENT-PRINCIPAL";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Request.Headers[Header] is not [{ Length: > 0 } encoded])
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }
        try
        {
            using var principal = JsonDocument.Parse(Convert.FromBase64String(encoded));
            var roleType = principal.RootElement.TryGetProperty("role_typ", out var named) ? named.GetString() : null;
            var identity = new ClaimsIdentity(Scheme.Name, Callers.NameClaim, Callers.RoleClaim);
            if (Request.Headers["X-MS-CLIENT-PRINCIPAL-NAME"] is [{ Length: > 0 } name])
            {
                identity.AddClaim(new Claim(Callers.NameClaim, name));
            }
            foreach (var claim in principal.RootElement.GetProperty("claims").EnumerateArray())
            {
                var type = claim.GetProperty("typ").GetString();
                if (type == Callers.RoleClaim || type == roleType)
                {
                    identity.AddClaim(new Claim(Callers.RoleClaim, claim.GetProperty("val").GetString() ?? ""));
                }
            }
            return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Scheme.Name)));
        }
        catch (Exception malformed) when (malformed is FormatException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return Task.FromResult(AuthenticateResult.Fail(malformed));
        }
    }
}

using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace MlOps.Web.Access;

/// <summary>Tokens of Entra ID, and its sign-in for browsers. What a caller may do is in the app roles that the token names.</summary>
internal static class EntraAuthentication
{
    public static void AddEntra(this AuthenticationBuilder authentication)
    {
        authentication.AddJwtBearer(Schemes.Entra, null, _ => { }).AddOpenIdConnect(Schemes.EntraBrowser, null, _ => { });
        // Options of a scheme are made when it is first used, which without these settings it never is.
        authentication.Services.AddSingleton<IConfigureOptions<JwtBearerOptions>, ConfigureTokens>();
        authentication.Services.AddSingleton<IConfigureOptions<OpenIdConnectOptions>, ConfigureBrowsers>();
    }

    private static string[] AudiencesOf(EntraOptions entra) => [entra.ClientId, $"api://{entra.ClientId}"];

    private sealed class ConfigureTokens(AccessOptions access) : IConfigureNamedOptions<JwtBearerOptions>
    {
        public void Configure(JwtBearerOptions options)
        {
        }

        public void Configure(string? name, JwtBearerOptions options)
        {
            if (access.Entra is not { } entra)
            {
                return;
            }
            options.Authority = entra.Authority.ToString();
            options.RequireHttpsMetadata = !entra.Authority.IsLoopback;
            options.MapInboundClaims = false;
            options.TokenValidationParameters = new TokenValidationParameters { ValidAudiences = AudiencesOf(entra), RoleClaimType = Callers.RoleClaim };
            // A program's token has no person in it: the app's id is its name then.
            options.TokenValidationParameters.NameClaimTypeRetriever = (token, _) => NameClaimOf(token);
        }
    }

    private sealed class ConfigureBrowsers(AccessOptions access) : IConfigureNamedOptions<OpenIdConnectOptions>
    {
        public void Configure(OpenIdConnectOptions options)
        {
        }

        public void Configure(string? name, OpenIdConnectOptions options)
        {
            if (access.Entra is not { } entra)
            {
                return;
            }
            options.Authority = entra.Authority.ToString();
            options.RequireHttpsMetadata = !entra.Authority.IsLoopback;
            options.ClientId = entra.ClientId;
            // The id token comes with the answer, so that the app needs no secret of its own.
            options.ResponseType = "id_token";
            options.ResponseMode = "form_post";
            options.CallbackPath = SignInApi.EntraCallback;
            options.SignInScheme = Schemes.Cookie;
            options.MapInboundClaims = false;
            options.Scope.Clear();
            options.Scope.Add("openid");
            options.Scope.Add("profile");
            options.TokenValidationParameters.RoleClaimType = Callers.RoleClaim;
            options.TokenValidationParameters.NameClaimTypeRetriever = (token, _) => NameClaimOf(token);
            options.Events.OnRemoteFailure = async context =>
            {
                context.HandleResponse();
                await HttpProblems.Of(StatusCodes.Status401Unauthorized, ["Signing in with Entra ID did not work. GET /signin, and try again."])
                    .ExecuteAsync(context.HttpContext);
            };
        }
    }

    private static string NameClaimOf(SecurityToken token)
    {
        var claims = (token as Microsoft.IdentityModel.JsonWebTokens.JsonWebToken)?.Claims.Select(claim => claim.Type).ToHashSet() ?? [];
        return new[] { "preferred_username", "upn", Callers.NameClaim, "azp", "appid", "sub" }.FirstOrDefault(claims.Contains) ?? Callers.NameClaim;
    }
}

using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using MlOps.Pipeline.Data;

namespace MlOps.Web.Access;

/// <summary>Registers who may come in, and how.</summary>
internal static class AccessServices
{
    private static readonly TimeSpan SignedInFor = TimeSpan.FromHours(12);

    /// <summary>A host registers its <see cref="AccessOptions"/> before; without, nobody comes in but with keys of storage.</summary>
    public static IServiceCollection AddAccess(this IServiceCollection services)
    {
        services.TryAddSingleton(new AccessOptions());
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<AccessKeyStore>();
        services.AddSingleton<KeyRing>();
        // What one instance has signed another one reads, also after a restart.
        services.AddDataProtection().SetApplicationName("mlops");
        services.AddSingleton<IConfigureOptions<KeyManagementOptions>>(provider => new ConfigureOptions<KeyManagementOptions>(
            keys => keys.XmlRepository = new SigningKeys(provider.GetRequiredService<PipelineStorage>())));
        var authentication = services.AddAuthentication(Schemes.Any)
            .AddPolicyScheme(Schemes.Any, null, any =>
            {
                any.ForwardDefaultSelector = WayOf;
                // Whatever a caller came with: told the same way.
                (any.ForwardChallenge, any.ForwardForbid) = (Schemes.Key, Schemes.Key);
                any.ForwardSignIn = any.ForwardSignOut = Schemes.Cookie;
            })
            .AddScheme<AuthenticationSchemeOptions, KeyAuthentication>(Schemes.Key, null)
            .AddScheme<AuthenticationSchemeOptions, PlatformAuthentication>(Schemes.Platform, null)
            .AddCookie(Schemes.Cookie, Configure);
        authentication.AddEntra();
        services.AddAuthorizationBuilder()
            .AddPolicies()
            // A route that says nothing, and one that does not exist, is for nobody who has not signed in.
            .SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
        // Everybody of an open host may do everything and is asked for nothing; on all others ASP.NET Core makes sure that routes are guarded.
        services.AddSingleton<IConfigureOptions<RouteOptions>>(provider => new ConfigureOptions<RouteOptions>(
            routes => routes.SuppressCheckForUnhandledSecurityMetadata = provider.GetRequiredService<AccessOptions>().IsOpen));
        // It reads and makes what cookies are signed with at every start, whose storage may be away; a browser's first request is early enough.
        foreach (var early in services.Where(service => service.ImplementationType?.Name == "DataProtectionHostedService").ToList())
        {
            services.Remove(early);
        }
        return services;
    }

    /// <summary>Takes away what is not set up: a way in that looks at every request costs each of them.</summary>
    public static IApplicationBuilder UseAccess(this IApplicationBuilder app)
    {
        var access = app.ApplicationServices.GetRequiredService<AccessOptions>();
        if (access.PlatformEndsTls)
        {
            // Else cookies would go without Secure, and Entra ID would be told an address without TLS.
            var forwarded = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedProto };
            forwarded.KnownIPNetworks.Clear();
            forwarded.KnownProxies.Clear();
            app.UseForwardedHeaders(forwarded);
        }
        if (access.Entra is null)
        {
            app.ApplicationServices.GetRequiredService<IAuthenticationSchemeProvider>().RemoveScheme(Schemes.EntraBrowser);
        }
        return app.UseKnownCallers();
    }

    private static AuthorizationBuilder AddPolicies(this AuthorizationBuilder authorization)
    {
        foreach (var role in Enum.GetValues<RouteRole>().Where(role => role > RouteRole.Anonymous))
        {
            authorization.AddPolicy(Callers.NameOf(role), policy => policy.RequireRole(Callers.RolesFrom(role)));
        }
        return authorization;
    }

    private static string WayOf(HttpContext http)
    {
        var access = http.RequestServices.GetRequiredService<AccessOptions>();
        if (PresentedKey.Find(http.Request, access) is not null)
        {
            return Schemes.Key;
        }
        if (PresentedKey.IsToken(http.Request, access))
        {
            return Schemes.Entra;
        }
        if (access.PlatformSignsIn && http.Request.Headers.ContainsKey(PlatformAuthentication.Header))
        {
            return Schemes.Platform;
        }
        return http.Request.Cookies.ContainsKey(CookieName) ? Schemes.Cookie : Schemes.Key;
    }

    private const string CookieName = "mlops";

    private static void Configure(CookieAuthenticationOptions cookies)
    {
        cookies.Cookie.Name = CookieName;
        cookies.Cookie.HttpOnly = true;
        // Lax: a link from a chat leads to the page and not to the sign-in. What changes anything is guarded by CrossSiteGuard as well.
        cookies.Cookie.SameSite = SameSiteMode.Lax;
        cookies.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        cookies.ExpireTimeSpan = SignedInFor;
        // What a token of Entra ID said of roles is asked for again when it has run out.
        cookies.SlidingExpiration = false;
        cookies.Events.OnValidatePrincipal = async context =>
        {
            // A revoked key's cookie ends with it, and a role is what the key has now.
            if (context.Principal?.FindFirst(Callers.KeyIdClaim)?.Value is not { } id)
            {
                return;
            }
            var keys = context.HttpContext.RequestServices.GetRequiredService<KeyRing>();
            if (await keys.FindSignedInAsync(id, context.HttpContext.RequestAborted) is { } bearer)
            {
                context.ReplacePrincipal(Callers.Of(bearer, Schemes.Cookie));
            }
            else
            {
                context.RejectPrincipal();
            }
        };
    }
}

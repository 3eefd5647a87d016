using System.Security.Claims;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MlOps.Web.Access;

/// <summary>
/// Lets in who brings a key that is known, and, where <see cref="AccessOptions.IsOpen"/>, who brings nothing. ASP.NET Core's authentication makes and asks
/// two handlers for each request, and its authorization a context and a set of requirements: they are left to those who come in another way.
/// </summary>
internal static class KnownCallers
{
    private const string AuthenticationIsUsed = "__AuthenticationMiddlewareSet";
    private const string AuthorizationIsUsed = "__AuthorizationMiddlewareSet";

    /// <summary>One for all requests: nothing in it is a request's.</summary>
    private static readonly ClaimsPrincipal Everybody = Callers.Of("local", RouteRole.Admin, keyId: null, Schemes.Open);

    public static IApplicationBuilder UseKnownCallers(this IApplicationBuilder app)
    {
        var access = app.ApplicationServices.GetRequiredService<AccessOptions>();
        var keys = app.ApplicationServices.GetRequiredService<KeyRing>();
        // A web application that sees neither in its own line puts both before all else, for every request.
        app.Properties[AuthenticationIsUsed] = true;
        app.Properties[AuthorizationIsUsed] = true;
        return app
            .Use((http, next) => PresentedKey.Find(http.Request, access) is { } text ? TakeKeyAsync(http, text, keys, next) : TakeOpen(http, access, next))
            .UseWhen(http => !IsKnown(http), unknown => unknown.UseAuthentication())
            .UseWhen(http => !ReferenceEquals(http.User, Everybody), asked => asked.UseAuthorization());
    }

    /// <summary>A wrong key is told apart from none by the scheme that answers it.</summary>
    private static async Task TakeKeyAsync(HttpContext http, string text, KeyRing keys, RequestDelegate next)
    {
        if (await keys.FindAsync(text, http.RequestAborted) is { } bearer)
        {
            http.User = bearer.Principal;
        }
        await next(http);
    }

    private static Task TakeOpen(HttpContext http, AccessOptions access, RequestDelegate next)
    {
        if (access.IsOpen && !BringsProof(http.Request, access))
        {
            http.User = Everybody;
        }
        return next(http);
    }

    /// <summary>Whether Entra ID or the platform says who this is: their name is told, and not everybody's.</summary>
    private static bool BringsProof(HttpRequest request, AccessOptions access) =>
        PresentedKey.IsToken(request, access) || (access.Entra is not null && request.Path == SignInApi.EntraCallback)
        || (access.PlatformSignsIn && request.Headers.ContainsKey(PlatformAuthentication.Header));

    private static bool IsKnown(HttpContext http) => http.User.Identity is { IsAuthenticated: true };
}

using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MlOps.Web.Access;

/// <summary>
/// Who is let in by a cookie alone changes nothing without the token of one of our pages: beside <see cref="CrossSiteGuard"/>, for browsers that tell less
/// than it needs (https://learn.microsoft.com/aspnet/core/security/anti-request-forgery).
/// </summary>
internal static class CookieGuard
{
    /// <summary>The header in which a page's script sends it.</summary>
    public const string Header = "X-Antiforgery";

    private const string Refused =
        "This needs the token of a page of this host, and came without one that is still good: load the page again, and try again. Programs need none: they "
            + "send a key (Authorization: Bearer KEY).";

    public static IApplicationBuilder UseCookieGuard(this IApplicationBuilder app)
    {
        var antiforgery = app.ApplicationServices.GetRequiredService<IAntiforgery>();
        return app.Use((http, next) => IsChange(http.Request.Method) && IsByCookie(http) && !IsSignIn(http.Request.Path)
            ? CheckAsync(http, antiforgery, next)
            : next(http));
    }

    public static bool IsByCookie(HttpContext http) => http.User.Identity is { IsAuthenticated: true, AuthenticationType: Schemes.Cookie };

    private static async Task CheckAsync(HttpContext http, IAntiforgery antiforgery, RequestDelegate next)
    {
        if (await antiforgery.IsRequestValidAsync(http))
        {
            await next(http);
            return;
        }
        await HttpProblems.BadRequest(Refused).ExecuteAsync(http);
    }

    private static bool IsChange(string method) => !HttpMethods.IsGet(method) && !HttpMethods.IsHead(method) && !HttpMethods.IsOptions(method);

    /// <summary>Signing in and out changes nothing but who looks.</summary>
    private static bool IsSignIn(PathString path) => path.StartsWithSegments(SignInApi.Route) || path == SignInApi.SignOutRoute;
}

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace MlOps.Web.Access;

/// <summary>
/// Keeps pages of other sites from using what a browser brings by itself: a cookie, or its being on this machine. A request that changes something must
/// come from our own pages or from no page at all; browsers say so with <c>Sec-Fetch-Site</c> and <c>Origin</c>
/// (https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html).
/// </summary>
internal static class CrossSiteGuard
{
    private static readonly HashSet<string> OwnNames = new(StringComparer.OrdinalIgnoreCase) { "localhost", "127.0.0.1", "[::1]", "::1" };

    public static IApplicationBuilder UseCrossSiteGuard(this IApplicationBuilder app)
    {
        var access = app.ApplicationServices.GetRequiredService<AccessOptions>();
        return app.Use((http, next) => ProblemOf(http.Request, access) is { } problem
            ? HttpProblems.Of(problem.Status, [problem.Detail]).ExecuteAsync(http)
            : next(http));
    }

    private static (int Status, string Detail)? ProblemOf(HttpRequest request, AccessOptions access)
    {
        if (access.OwnNamesOnly && !OwnNames.Contains(request.Host.Host))
        {
            return (StatusCodes.Status421MisdirectedRequest,
                $"This host answers as 127.0.0.1 or localhost only, and was asked as '{request.Host.Host}'. "
                    + "To serve under other names, start it with --listen and keys.");
        }
        if (IsSafe(request.Method) || IsFromOurPages(request) || PresentedKey.Find(request, access) is not null || request.Path == SignInApi.EntraCallback)
        {
            return null;
        }
        return (StatusCodes.Status403Forbidden,
            $"A page of another site asked for this, and a browser brought its own rights along: refused. Programs send a key (Authorization: Bearer).");
    }

    private static bool IsSafe(string method) => HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);

    private static bool IsFromOurPages(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"] is [{ Length: > 0 } site])
        {
            return site is "same-origin" or "none";
        }
        return request.Headers.Origin is not [{ Length: > 0 } origin]
            || (Uri.TryCreate(origin, UriKind.Absolute, out var from) && string.Equals(from.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase));
    }
}

using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Reports;

namespace MlOps.Web.Access;

/// <summary>How a person in a browser signs in and out.</summary>
public static class SignInApi
{
    internal const string Route = "/signin";
    internal const string SignOutRoute = "/signout";
    internal const string EntraRoute = "/signin/entra";
    internal const string EntraCallback = "/signin/entra/callback";

    private const int LongestForm = 16 * 1024;
    private const string WrongKey = "This is no key, or it has been revoked.";

    internal static string UrlFor(string returnTo) => $"{Route}?return={Uri.EscapeDataString(returnTo)}";

    internal static string EntraUrlFor(string returnTo) => $"{EntraRoute}?return={Uri.EscapeDataString(returnTo)}";

    public static Task<IResult> GetAsync(HttpRequest request, ReportRenderer pages, AccessOptions access) =>
        PageAsync(pages, access, ReturnOf(request.Query["return"]), problem: null);

    /// <summary>Takes a key, and gives a cookie that stands for it.</summary>
    public static async Task<IResult> PostAsync(HttpRequest request, ReportRenderer pages, AccessOptions access, KeyRing keys, CancellationToken cancel)
    {
        if (!request.HasFormContentType || request.ContentLength is not <= LongestForm)
        {
            return HttpProblems.BadRequest("Send the form of GET /signin: the field 'key'. Programs need no cookie: they send Authorization: Bearer KEY.");
        }
        var form = await request.ReadFormAsync(cancel);
        var returnTo = ReturnOf(form["return"]);
        if (form["key"] is not [{ Length: > 0 } text] || await keys.FindAsync(text.Trim(), cancel) is not { } bearer)
        {
            return await PageAsync(pages, access, returnTo, WrongKey);
        }
        await request.HttpContext.SignInAsync(Schemes.Cookie, Callers.Of(bearer, Schemes.Cookie));
        return new SeeOther(returnTo);
    }

    public static async Task<IResult> SignOutAsync(HttpContext http)
    {
        await http.SignOutAsync(Schemes.Cookie);
        return new SeeOther(Route);
    }

    public static IResult ChallengeEntra(HttpRequest request, AccessOptions access) => access.Entra is null
        ? HttpProblems.NotFound("Entra ID is not set up for this host: sign in with a key at GET /signin.")
        : TypedResults.Challenge(new AuthenticationProperties { RedirectUri = ReturnOf(request.Query["return"]) }, [Schemes.EntraBrowser]);

    private static async Task<IResult> PageAsync(ReportRenderer pages, AccessOptions access, string returnTo, string? problem)
    {
        var page = await pages.RenderAsync<SignInPage>(new Dictionary<string, object?>
        {
            [nameof(SignInPage.ReturnTo)] = returnTo,
            [nameof(SignInPage.Problem)] = problem,
            [nameof(SignInPage.HasEntra)] = access.Entra is not null,
        });
        return TypedResults.Text(page.ToMemory().Span, ContentTypes.Of(".html"), problem is null ? StatusCodes.Status200OK : StatusCodes.Status401Unauthorized);
    }

    /// <summary>Only to a page of ours: an address of another host would lend it our name.</summary>
    private static string ReturnOf(string? asked) =>
        asked is ['/', ..] && (asked.Length == 1 || asked[1] is not ('/' or '\\')) && !asked.Any(char.IsControl) ? asked : "/";

    /// <summary>303: whatever the form was, the next page is got.</summary>
    private sealed class SeeOther(string location) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
            httpContext.Response.Headers.Location = location;
            return Task.CompletedTask;
        }
    }
}

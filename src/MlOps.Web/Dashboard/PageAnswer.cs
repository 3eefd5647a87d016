using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Reports;
using MlOps.Web.Access;

namespace MlOps.Web.Dashboard;

/// <summary>Answers with a page, or with what it shows as JSON: each address has both.</summary>
internal static class PageAnswer
{
    /// <summary>Styles and script come from this host's own files, and nothing from a page's text runs. Reports of a run are shown within its page.</summary>
    private const string ContentSecurityPolicy =
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; frame-src 'self'; form-action 'self'; "
            + "base-uri 'none'; frame-ancestors 'none'";

    /// <typeparam name="TPage">A component with the parameters <c>Frame</c> and <c>Data</c>.</typeparam>
    /// <typeparam name="TData">What the page shows.</typeparam>
    /// <param name="http">The request.</param>
    /// <param name="data">What the page shows.</param>
    /// <param name="status">The HTTP status.</param>
    public static async Task<IResult> ShowAsync<TPage, TData>(HttpContext http, TData data, int status = StatusCodes.Status200OK)
        where TPage : IComponent
    {
        if (!WantsPage(http.Request))
        {
            return TypedResults.Json(data, statusCode: status);
        }
        var frame = new PageFrame(
            $"{http.Request.Scheme}://{http.Request.Host}", http.Request.Path + http.Request.QueryString, CallerOf(http), RoleOf(http), TokenOf(http),
            http.RequestServices.GetRequiredService<WebOptions>().HasEvents);
        var page = await http.RequestServices.GetRequiredService<ReportRenderer>()
            .RenderAsync<TPage>(new Dictionary<string, object?> { ["Frame"] = frame, ["Data"] = data });
        http.Response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
        http.Response.Headers.CacheControl = "no-store";
        return TypedResults.Text(page.ToMemory().Span, "text/html; charset=utf-8", status);
    }

    /// <summary>A program that asks for JSON, or an address that says so, gets JSON; a browser a page.</summary>
    public static bool WantsPage(HttpRequest request)
    {
        if (request.Query["format"] is [{ Length: > 0 } format])
        {
            return format != "json";
        }
        var accepted = request.GetTypedHeaders().Accept;
        return !accepted.Any(type => type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase))
            || accepted.Any(type => type.MediaType.Equals("text/html", StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The address that is asked for, with what takes a while to read.</summary>
    public static string With(HttpRequest request, string part) => $"{request.Path}{request.QueryString.Add(part, "true")}";

    private static string? CallerOf(HttpContext http) => Callers.IsProven(http.User) ? Callers.NameOf(http.User) : null;

    private static RouteRole RoleOf(HttpContext http) =>
        Enum.GetValues<RouteRole>().LastOrDefault(role => Callers.RolesFrom(role).Any(http.User.IsInRole));

    private static string? TokenOf(HttpContext http) =>
        CookieGuard.IsByCookie(http) ? http.RequestServices.GetRequiredService<IAntiforgery>().GetAndStoreTokens(http).RequestToken : null;
}

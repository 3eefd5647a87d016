using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Web.Access;

namespace MlOps.Web;

/// <summary>Turns what a handler throws into a problem, in every environment.</summary>
internal sealed class ProblemFilter(ILogger<ProblemFilter> logger) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return ErrorFace.Show(await next(context), context.HttpContext);
        }
        catch (Exception fault)
        {
            return ErrorFace.Show(HttpProblems.For(fault, context.HttpContext, logger), context.HttpContext, fault);
        }
    }
}

/// <summary>Answers with a problem also where no handler is reached: unknown routes, wrong methods, faults between.</summary>
internal static class ProblemPages
{
    public static IApplicationBuilder UseProblemPages(this IApplicationBuilder app)
    {
        var logger = app.ApplicationServices.GetRequiredService<ILogger<ProblemFilter>>();
        return app
            .UseExceptionHandler(new ExceptionHandlerOptions
            {
                ExceptionHandler = http =>
                    Shown(HttpProblems.For(http.Features.GetRequiredFeature<IExceptionHandlerFeature>().Error, http, logger), http).ExecuteAsync(http),
                SuppressDiagnosticsCallback = _ => true,
            })
            .UseStatusCodePages(page => Shown(Describe(page.HttpContext), page.HttpContext).ExecuteAsync(page.HttpContext));
    }

    private static IResult Shown(IResult problem, HttpContext http) => (IResult)ErrorFace.Show(problem, http)!;

    private const string Unauthorized =
        "Sign in: send a key as 'Authorization: Bearer KEY' (or as the password of Basic, or as x-functions-key). An administrator makes one with "
            + "'mlops keys add NAME --role reader'. If you sent one, it is no key or has been revoked.";

    private static string RoleOf(HttpContext http) =>
        http.GetEndpoint()?.Metadata.OfType<RouteRole>().LastOrDefault() is { } role and > RouteRole.Anonymous ? $": it takes role {Callers.NameOf(role)}" : "";

    private static IResult Describe(HttpContext http)
    {
        var (method, path, status) = (http.Request.Method, http.Request.Path, http.Response.StatusCode);
        return HttpProblems.Of(status, status switch
        {
            StatusCodes.Status400BadRequest => [$"A part of the address {path} is missing. GET /openapi.json lists all routes."],
            StatusCodes.Status401Unauthorized => [Unauthorized],
            StatusCodes.Status403Forbidden => [$"You are signed in as '{Callers.NameOf(http.User)}', who may not do this{RoleOf(http)}. Ask an administrator."],
            StatusCodes.Status404NotFound => [$"There is no route {method} {path}. GET /openapi.json lists all routes."],
            StatusCodes.Status405MethodNotAllowed => [$"{path} does not take {method}; it takes {http.Response.Headers.Allow}."],
            _ => [],
        });
    }
}

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MlOps.Web;

/// <summary>Turns what a handler throws into a problem, in every environment.</summary>
internal sealed class ProblemFilter(ILogger<ProblemFilter> logger) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (Exception fault)
        {
            return HttpProblems.For(fault, context.HttpContext, logger);
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
                    HttpProblems.For(http.Features.GetRequiredFeature<IExceptionHandlerFeature>().Error, http, logger).ExecuteAsync(http),
                SuppressDiagnosticsCallback = _ => true,
            })
            .UseStatusCodePages(page => Describe(page.HttpContext).ExecuteAsync(page.HttpContext));
    }

    private static IResult Describe(HttpContext http)
    {
        var (method, path, status) = (http.Request.Method, http.Request.Path, http.Response.StatusCode);
        return HttpProblems.Of(status, status switch
        {
            StatusCodes.Status404NotFound => [$"There is no route {method} {path}. GET /openapi.json lists all routes."],
            StatusCodes.Status405MethodNotAllowed => [$"{path} does not take {method}; it takes {http.Response.Headers.Allow}."],
            _ => [],
        });
    }
}

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using MlOps.Web.Access;

namespace MlOps.Web;

/// <summary>The HTTP face as one piece of middleware: every host runs this, and nothing else of HTTP is in a host.</summary>
public static class WebPipelineExtensions
{
    /// <summary>Problems for whatever goes wrong, then who may call, then the routes of <see cref="Routes"/>.</summary>
    public static IApplicationBuilder UseMlOpsWeb(this IApplicationBuilder app) => app
        .UseAnswerHeaders()
        .UseProblemPages()
        .UseCrossSiteGuard()
        .UseRouting()
        .UseAccess()
        .UseCookieGuard()
        .UseRequestLimits()
        .UseEndpoints(routes => routes.MapMlOps());
}

/// <summary>The same for a host that routes by itself and hands requests over: its route leads here, ours leads on.</summary>
/// <param name="services">The host's services.</param>
public sealed class WebPipeline(IServiceProvider services)
{
    private readonly Lazy<RequestDelegate> pipeline = new(() => new ApplicationBuilder(services).UseMlOpsWeb().Build());

    /// <summary>Answers a request; handlers get their services from its <see cref="HttpContext.RequestServices"/>.</summary>
    /// <param name="http">The request.</param>
    /// <param name="call">Ends when the host's caller has hung up, which the request itself may not know.</param>
    public async Task RunAsync(HttpContext http, CancellationToken call)
    {
        var (endpoint, values, aborted) = (http.GetEndpoint(), http.Request.RouteValues, http.RequestAborted);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(aborted, call);
        http.RequestAborted = either.Token;
        // A request that has an endpoint is not matched again.
        http.SetEndpoint(null);
        http.Request.RouteValues = [];
        try
        {
            await pipeline.Value(http);
        }
        finally
        {
            http.SetEndpoint(endpoint);
            http.Request.RouteValues = values;
            http.RequestAborted = aborted;
        }
    }
}

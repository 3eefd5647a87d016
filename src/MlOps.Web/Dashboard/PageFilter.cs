using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Logging;

namespace MlOps.Web.Dashboard;

/// <summary>What goes wrong with a page, as a page for a person and as a problem for a program.</summary>
internal sealed class PageFilter(ILogger<PageFilter> logger) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        object? answer;
        try
        {
            answer = await next(context);
        }
        catch (Exception fault)
        {
            answer = HttpProblems.For(fault, context.HttpContext, logger);
        }
        var status = answer switch
        {
            HttpProblems.WithHeader { Inner: ProblemHttpResult inner } => inner.StatusCode,
            ProblemHttpResult problem => problem.StatusCode,
            _ => (int?)null,
        };
        return status is { } code && PageAnswer.WantsPage(context.HttpContext.Request)
            ? await PageAnswer.ShowAsync<ProblemPage, string>(context.HttpContext, ErrorFace.MessageOf((IResult)answer!), code)
            : answer;
    }
}

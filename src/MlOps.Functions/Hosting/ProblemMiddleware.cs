using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Middleware;
using Microsoft.Extensions.Logging;
using MlOps.Web;

namespace MlOps.Functions.Hosting;

/// <summary>Answers with a problem what an HTTP function throws, as the local host does.</summary>
internal sealed class ProblemMiddleware(ILogger<ProblemMiddleware> logger) : IFunctionsWorkerMiddleware
{
    public async Task Invoke(FunctionContext context, FunctionExecutionDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (Exception fault) when (context.GetHttpContext() is { } http)
        {
            var inner = fault is AggregateException { InnerExceptions: [var only] } ? only : fault;
            context.GetInvocationResult().Value = HttpProblems.For(inner, http, logger);
        }
    }
}

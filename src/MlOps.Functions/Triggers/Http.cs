using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using MlOps.Functions.Durable;
using MlOps.Web;
using MlOps.Web.Answers;
using static Microsoft.Azure.Functions.Worker.AuthorizationLevel;

namespace MlOps.Functions.Triggers;

/// <summary>
/// The way in over HTTP. What a request means, and who may send it, is told by <see cref="Routes"/> alone: to the host all of it is anonymous, as
/// it would answer 401 to whatever is none of its own keys before the app sees it.
/// </summary>
/// <remarks>
/// Of the functions whose route fits, the host takes the first by name, however special the others' routes are
/// (https://github.com/Azure/azure-functions-host/issues/9876): what takes every path has to come last in the alphabet.
/// </remarks>
public sealed class Http(WebPipeline web, DurableCall call)
{
    [Function(nameof(GetHealth))]
    public Task<IResult> GetHealth(
        [HttpTrigger(Anonymous, "get", Route = "health")] HttpRequest request, FunctionContext function, CancellationToken cancel) =>
        AnswerAsync(request, function, cancel);

    [Function(nameof(Ping))]
    public Task<IResult> Ping([HttpTrigger(Anonymous, "get", Route = "ping")] HttpRequest request, FunctionContext function, CancellationToken cancel) =>
        AnswerAsync(request, function, cancel);

    [Function(nameof(Predict))]
    public Task<IResult> Predict(
        [HttpTrigger(Anonymous, "post", Route = "predict")] HttpRequest request, FunctionContext function, CancellationToken cancel) =>
        AnswerAsync(request, function, cancel);

    [Function(nameof(StartRun))]
    public Task<IResult> StartRun(
        [HttpTrigger(Anonymous, "post", Route = "pipelines/{model}/runs")] HttpRequest request, [DurableClient] DurableTaskClient client,
        FunctionContext function, CancellationToken cancel) =>
        AnswerAsync(request, client, function, cancel);

    /// <summary>All else.</summary>
    [Function(nameof(Web))]
    public Task<IResult> Web(
        [HttpTrigger(Anonymous, "get", "head", "post", "put", "patch", "delete", Route = "{*path}")] HttpRequest request,
        [DurableClient] DurableTaskClient client, FunctionContext function, CancellationToken cancel) =>
        AnswerAsync(request, client, function, cancel);

    private Task<IResult> AnswerAsync(HttpRequest request, DurableTaskClient client, FunctionContext function, CancellationToken cancel)
    {
        call.Bind(client);
        return AnswerAsync(request, function, cancel);
    }

    private async Task<IResult> AnswerAsync(HttpRequest request, FunctionContext function, CancellationToken cancel)
    {
        // The host begins the trace, and passes it on with the call and not with the request.
        TraceIds.Note(request.HttpContext, function.TraceContext.TraceParent);
        await web.RunAsync(request.HttpContext, cancel);
        return Results.Empty;
    }
}

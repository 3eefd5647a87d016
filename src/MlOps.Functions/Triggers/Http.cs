using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using MlOps.Functions.Durable;
using MlOps.Web;
using static Microsoft.Azure.Functions.Worker.AuthorizationLevel;

namespace MlOps.Functions.Triggers;

/// <summary>
/// The way in over HTTP. What a request means is told by <see cref="Routes"/> alone; a function only says which of the app's keys opens it, as
/// the host looks at keys before the app sees a request.
/// </summary>
/// <remarks>
/// Of the functions whose route fits, the host takes the first by name, however special the others' routes are
/// (https://github.com/Azure/azure-functions-host/issues/9876): what takes every path has to come last in the alphabet.
/// </remarks>
public sealed class Http(WebPipeline web, DurableCall call)
{
    [Function(nameof(GetHealth))]
    public Task<IResult> GetHealth([HttpTrigger(Anonymous, "get", Route = "health")] HttpRequest request, CancellationToken cancel) => AnswerAsync(request);

    [Function(nameof(Predict))]
    public Task<IResult> Predict([HttpTrigger(Function, "post", Route = "predict")] HttpRequest request, CancellationToken cancel) => AnswerAsync(request);

    [Function(nameof(StartRun))]
    public Task<IResult> StartRun(
        [HttpTrigger(Function, "post", Route = "pipelines/{model}/runs")] HttpRequest request, [DurableClient] DurableTaskClient client,
        CancellationToken cancel) =>
        AnswerAsync(request, client);

    /// <summary>What else an operator may do.</summary>
    [Function(nameof(StopOrRetryRun))]
    public Task<IResult> StopOrRetryRun(
        [HttpTrigger(Function, "post", Route = "runs/{id}/{action:regex(^(cancel|retry)$)}")] HttpRequest request, [DurableClient] DurableTaskClient client,
        CancellationToken cancel) =>
        AnswerAsync(request, client);

    /// <summary>All that only looks.</summary>
    [Function(nameof(WebRead))]
    public Task<IResult> WebRead([HttpTrigger(Function, "get", "head", Route = "{*path}")] HttpRequest request, CancellationToken cancel) =>
        AnswerAsync(request);

    /// <summary>All else: what serves, and what runs are made of.</summary>
    [Function(nameof(WebWrite))]
    public Task<IResult> WebWrite(
        [HttpTrigger(Admin, "post", "put", "patch", "delete", Route = "{*path}")] HttpRequest request, [DurableClient] DurableTaskClient client,
        CancellationToken cancel) =>
        AnswerAsync(request, client);

    private Task<IResult> AnswerAsync(HttpRequest request, DurableTaskClient client)
    {
        call.Bind(client);
        return AnswerAsync(request);
    }

    private async Task<IResult> AnswerAsync(HttpRequest request)
    {
        await web.RunAsync(request.HttpContext);
        return Results.Empty;
    }
}

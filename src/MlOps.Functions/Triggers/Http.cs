using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using MlOps.Functions.Durable;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Predictions;
using MlOps.Web;
using static Microsoft.Azure.Functions.Worker.AuthorizationLevel;

namespace MlOps.Functions.Triggers;

/// <summary>The shared routes (<see cref="Routes"/>) as HTTP functions. Whoever may use the app's key may read, predict and run; what serves, and what runs are made of, takes the admin key.</summary>
public sealed class Http(
    DefinitionStore definitions, RunStore runs, ArtifactStore artifacts, ModelRegistry registry, PipelineStorage storage, PredictionService predictions,
    LiveDriftStore liveDrift, WebOptions options, Engines engines, ApiText api, TimeProvider time)
{
    [Function(nameof(GetHealth))]
    public Task<IResult> GetHealth([HttpTrigger(Anonymous, "get", Route = "health")] HttpRequest request, CancellationToken cancel) =>
        HealthApi.GetHealthAsync(storage, predictions, options, cancel);

    [Function(nameof(Predict))]
    public Task<IResult> Predict([HttpTrigger(Function, "post", Route = "predict")] HttpRequest request, CancellationToken cancel) =>
        PredictApi.PredictAsync(request, predictions, options, cancel);

    [Function(nameof(ListPipelines))]
    public Task<IResult> ListPipelines([HttpTrigger(Function, "get", Route = "pipelines")] HttpRequest request, CancellationToken cancel) =>
        PipelinesApi.ListAsync(definitions, cancel);

    [Function(nameof(GetPipeline))]
    public Task<IResult> GetPipeline([HttpTrigger(Function, "get", Route = "pipelines/{model}")] HttpRequest request, string model, CancellationToken cancel) =>
        PipelinesApi.GetAsync(model, definitions, cancel);

    [Function(nameof(PutPipeline))]
    public Task<IResult> PutPipeline([HttpTrigger(Admin, "put", Route = "pipelines/{model}")] HttpRequest request, string model, CancellationToken cancel) =>
        PipelinesApi.PutAsync(model, request, definitions, options, cancel);

    [Function(nameof(StartRun))]
    public async Task<IResult> StartRun(
        [HttpTrigger(Function, "post", Route = "pipelines/{model}/runs")] HttpRequest request, string model, [DurableClient] DurableTaskClient client, CancellationToken cancel) =>
        StartedRun.Of(await PipelinesApi.StartRunAsync(model, request, definitions, storage, engines.Starter(client), options, cancel), client);

    [Function(nameof(ListRuns))]
    public Task<IResult> ListRuns([HttpTrigger(Function, "get", Route = "runs")] HttpRequest request, CancellationToken cancel) =>
        RunsApi.ListAsync(request.Query["model"], request.Query["take"], runs, cancel);

    [Function(nameof(GetRun))]
    public Task<IResult> GetRun([HttpTrigger(Function, "get", Route = "runs/{id}")] HttpRequest request, string id, CancellationToken cancel) =>
        RunsApi.GetAsync(id, runs, definitions, cancel);

    [Function(nameof(GetArtifact))]
    public Task<IResult> GetArtifact([HttpTrigger(Function, "get", Route = "runs/{id}/artifacts/{*path}")] HttpRequest request, string id, string path, CancellationToken cancel) =>
        RunsApi.GetArtifactAsync(id, path, runs, artifacts, cancel);

    [Function(nameof(ApproveRun))]
    public Task<IResult> ApproveRun([HttpTrigger(Admin, "post", Route = "runs/{id}/approve")] HttpRequest request, string id, [DurableClient] DurableTaskClient client, CancellationToken cancel) =>
        RunActionsApi.ApproveAsync(id, request, runs, engines.Engine(client), options, time, cancel);

    [Function(nameof(RejectRun))]
    public Task<IResult> RejectRun([HttpTrigger(Admin, "post", Route = "runs/{id}/reject")] HttpRequest request, string id, [DurableClient] DurableTaskClient client, CancellationToken cancel) =>
        RunActionsApi.RejectAsync(id, request, runs, engines.Engine(client), options, time, cancel);

    [Function(nameof(CancelRun))]
    public Task<IResult> CancelRun([HttpTrigger(Function, "post", Route = "runs/{id}/cancel")] HttpRequest request, string id, [DurableClient] DurableTaskClient client, CancellationToken cancel) =>
        RunActionsApi.CancelAsync(id, request, runs, engines.Engine(client), options, cancel);

    [Function(nameof(RetryRun))]
    public Task<IResult> RetryRun([HttpTrigger(Function, "post", Route = "runs/{id}/retry")] HttpRequest request, string id, [DurableClient] DurableTaskClient client, CancellationToken cancel) =>
        RunActionsApi.RetryAsync(id, runs, engines.Starter(client), cancel);

    [Function(nameof(ListModels))]
    public Task<IResult> ListModels([HttpTrigger(Function, "get", Route = "models")] HttpRequest request, CancellationToken cancel) =>
        ModelsApi.ListAsync(registry, cancel);

    [Function(nameof(GetModel))]
    public Task<IResult> GetModel([HttpTrigger(Function, "get", Route = "models/{name}")] HttpRequest request, string name, CancellationToken cancel) =>
        ModelsApi.GetAsync(name, registry, cancel);

    [Function(nameof(GetVersion))]
    public Task<IResult> GetVersion([HttpTrigger(Function, "get", Route = "models/{name}/versions/{version}")] HttpRequest request, string name, string version, CancellationToken cancel) =>
        ModelsApi.GetVersionAsync(name, version, registry, artifacts, cancel);

    [Function(nameof(GetDrift))]
    public Task<IResult> GetDrift([HttpTrigger(Function, "get", Route = "models/{name}/drift")] HttpRequest request, string name, CancellationToken cancel) =>
        LiveDriftApi.GetAsync(name, registry, liveDrift, cancel);

    [Function(nameof(GetDriftPage))]
    public Task<IResult> GetDriftPage([HttpTrigger(Function, "get", Route = "models/{name}/drift/page")] HttpRequest request, string name, CancellationToken cancel) =>
        LiveDriftApi.GetPageAsync(name, registry, liveDrift, cancel);

    [Function(nameof(PutAlias))]
    public Task<IResult> PutAlias([HttpTrigger(Admin, "put", Route = "models/{name}/aliases/{alias}")] HttpRequest request, string name, string alias, CancellationToken cancel) =>
        ModelsApi.PutAliasAsync(name, alias, request, registry, options, cancel);

    [Function(nameof(Rollback))]
    public Task<IResult> Rollback([HttpTrigger(Admin, "post", Route = "models/{name}/rollback")] HttpRequest request, string name, CancellationToken cancel) =>
        ModelsApi.RollbackAsync(name, registry, cancel);

    [Function(nameof(PutRawFile))]
    public Task<IResult> PutRawFile([HttpTrigger(Admin, "put", Route = "raw/{model}/{file}")] HttpRequest request, string model, string file, CancellationToken cancel) =>
        RawApi.PutAsync(model, file, request, storage, cancel);

    [Function(nameof(DescribeApi))]
    public async Task<IResult> DescribeApi([HttpTrigger(Function, "get", Route = "openapi.json")] HttpRequest request, CancellationToken cancel) =>
        TypedResults.Text(await api.ReadAsync(cancel), "application/json");
}

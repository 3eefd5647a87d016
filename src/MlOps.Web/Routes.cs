using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;
using MlOps.Serving.Feedback;
using MlOps.Serving.Lineage;
using MlOps.Serving.Monitoring;
using MlOps.Web.Access;
using MlOps.Web.Dashboard;
using MlOps.Web.OpenApi;
using MlOps.Web.Protocols;
using static MlOps.Web.Access.RouteRole;

namespace MlOps.Web;

/// <summary>Every route of both hosts, who may call it, and what it takes and gives: what <c>GET /openapi.json</c> says comes from here.</summary>
public static class Routes
{
    public static IEndpointRouteBuilder MapMlOps(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("").AddEndpointFilter<ProblemFilter>();

        api.MapGet("/", HomeApi.Get).For(Reader).Describe("Health", "What this is, and where to go on")
            .Gives<HomeBody>();
        api.MapGet("/health", HealthApi.GetHealthAsync).For(Anonymous)
            .Describe("Health", "Whether storage answers, and which production versions are loaded")
            .Gives<HealthyBody>().Gives<UnhealthyBody>(503);

        api.MapGet("/ping", HealthApi.Ping).For(Anonymous).Describe("Health", "Whether this host answers at all; nothing else is asked")
            .GivesText();

        api.MapGet("/metrics", MetricsApi.GetAsync).For(Reader)
            .Describe("Health", "What this process has measured since its start, in the Prometheus text format; each instance tells of itself")
            .GivesText();

        // Pages and forms of a person's browser: nothing for a program to call.
        api.MapGet(SignInApi.Route, SignInApi.GetAsync).For(Anonymous).ExcludeFromDescription();
        api.MapPost(SignInApi.Route, SignInApi.PostAsync).For(Anonymous).ExcludeFromDescription();
        api.MapGet(SignInApi.EntraRoute, SignInApi.ChallengeEntra).For(Anonymous).ExcludeFromDescription();
        api.MapPost(SignInApi.SignOutRoute, (Delegate)SignInApi.SignOutAsync).For(Anonymous).ExcludeFromDescription();

        api.MapPost("/predict", PredictApi.PredictAsync).For(Reader).Describe("Predictions", "Predict one row (features) or several (rows)")
            .TakesEither<PredictRowRequest, PredictRowsRequest>(
                """{ "model": "taxi-fare", "features": { "trip_distance": 3.1, "vendor_id": "CMT" }, "explain": true }""")
            .TakesStreams().WithMetadata(new Unhurried(PredictStream.IsStream))
            .GivesEither<PredictedRow, PredictedRows>().Fails(400, 404, 503);

        api.MapPost("/feedback", FeedbackApi.PostAsync).For(Operator)
            .Describe("Predictions", "Tell what came true of predictions, as JSON or as a CSV of id or key, and actual")
            .TakesEither<FeedbackRequest, FeedbackItemsRequest>("""{ "model": "taxi-fare", "id": "019df0d2-3040-728e-9000-8ab7bf3e321e", "actual": 17.5 }""")
            .Gives<FeedbackAnswer>().Fails(400, 404, 503);

        api.MapPost("/invocations", InvocationsApi.PostToOnlyAsync).For(Reader)
            .Describe("Predictions", "MLflow's scoring, of the only model in production")
            .Takes<InvocationsRequest>(InvocationsRequest.Example).Gives<InvocationsAnswer>().Fails(400, 503).FailsAs<InvocationsErrorFace>();
        api.MapPost("/models/{name}/invocations", InvocationsApi.PostAsync).For(Reader)
            .Describe("Predictions", "MLflow's scoring, of the model's production version")
            .Takes<InvocationsRequest>(InvocationsRequest.Example).Gives<InvocationsAnswer>().Fails(400, 404, 503).FailsAs<InvocationsErrorFace>();
        api.MapGet("/version", InvocationsApi.GetVersion).For(Reader).Describe("Health", "The version of this host, where MLflow's server tells its own")
            .GivesText();

        MapDashboard(routes.MapGroup("/dashboard").AddEndpointFilter<PageFilter>());

        MapInference(routes.MapGroup("/v2").AddEndpointFilter<ProblemFilter>());

        api.MapGet("/pipelines", PipelinesApi.ListAsync).For(Reader).Describe("Pipelines", "Models that have a definition, by name, a page at a time")
            .Gives<PipelineList>().Fails(400, 503);
        api.MapGet("/pipelines/{model}", PipelinesApi.GetAsync).For(Reader).Describe("Pipelines", "A model's definition, defaults included")
            .Gives<PipelineDefinition>().Fails(404, 503);
        api.MapPut("/pipelines/{model}", PipelinesApi.PutAsync).For(Admin).Describe("Pipelines", "Declare or replace a model's definition")
            .Takes<PipelineDefinition>("""{ "target": "fare_amount", "columns": { "vendor_id": "categorical" }, "candidates": [{ "trainer": "lightgbm" }] }""")
            .Gives<PipelineDefinition>().Gives<PipelineDefinition>(201).Fails(400, 503).Audited("define");
        api.MapDelete("/pipelines/{model}", PipelinesApi.DeleteAsync).For(Admin).Describe("Pipelines", "Delete a model's definition; its runs keep theirs")
            .Deletes().Fails(404, 409, 503).Audited("delete");
        api.MapGet("/schemas/pipeline.json", SchemasApi.GetPipeline).For(Reader).Describe("Pipelines", "JSON Schema of a definition, for editors")
            .GivesSchema();
        api.MapPost("/pipelines/{model}/infer", InferApi.PostAsync).For(Reader).WithMetadata(new Unhurried())
            .Describe("Pipelines", "What a definition of an uploaded file would be, with its columns, first rows and what is odd; nothing is started or kept")
            .Takes<InferRequest>("""{ "source": "raw/taxi-fare/2026-01.csv", "target": "fare_amount" }""", isOptional: true)
            .Gives<InferView>().Fails(400, 503);
        api.MapPost("/pipelines/{model}/runs", PipelinesApi.StartRunAsync).For(Operator)
            .Describe("Pipelines", "Start a run, on the newest uploaded file or the one named")
            .Takes<StartRunRequest>("""{ "source": "raw/taxi-fare/2026-01.csv", "goal": "model" }""", isOptional: true)
            .Gives<RunView>(202).Fails(400, 404, 503);

        api.MapGet("/runs", RunsApi.ListAsync).For(Reader).Describe("Runs", "Runs, newest first, a page at a time")
            .Gives<RunList>().Fails(400, 503);
        api.MapGet("/runs/{id}", RunsApi.GetAsync).For(Reader).Describe("Runs", "A run: stages, params, metrics, artifacts")
            .Gives<RunView>().Fails(404, 503);
        api.MapGet("/runs/{id}/artifacts/{**path}", RunsApi.GetArtifactAsync).For(Reader).Describe("Runs", "A file that a run keeps")
            .WithMetadata(new Unhurried()).GivesFile().Fails(404, 503);
        api.MapGet("/runs/{id}/stages/{stage}/log", RunLogsApi.GetAsync).For(Reader)
            .Describe("Runs", "The log of a stage, a line at a time, from some byte on; header Log-Next says where the next part begins")
            .GivesText().Fails(400, 404, 503);
        api.MapGet("/runs/{id}/events", RunLogsApi.GetEventsAsync).For(Reader)
            .Describe("Runs", "Server-sent events while a run goes on: its state, and how long its logs are, whenever something of it has changed")
            .WithMetadata(new Unhurried()).GivesEvents().Fails(404, 501, 503);
        api.MapPost("/runs/{id}/approve", RunActionsApi.ApproveAsync).For(Admin).Describe("Runs", "Let a waiting run promote its model")
            .Takes<DecisionRequest>("""{ "by": "Ann", "reason": "checked against May" }""", isOptional: true)
            .Gives<RunView>(202).Fails(400, 404, 409, 503).Audited("approve");
        api.MapPost("/runs/{id}/reject", RunActionsApi.RejectAsync).For(Admin).Describe("Runs", "End a waiting run without promotion")
            .Takes<DecisionRequest>("""{ "by": "Ann", "reason": "too little data from May" }""", isOptional: true)
            .Gives<RunView>(202).Fails(400, 404, 409, 503).Audited("reject");
        api.MapPost("/runs/{id}/cancel", RunActionsApi.CancelAsync).For(Operator).Describe("Runs", "Stop a run")
            .Takes<ReasonRequest>("""{ "reason": "wrong file" }""", isOptional: true)
            .Gives<RunView>(202).Fails(400, 404, 409, 503);
        api.MapPost("/runs/{id}/retry", RunActionsApi.RetryAsync).For(Operator).Describe("Runs", "Start a new run of the same source and definition")
            .Gives<RunView>(202).Fails(404, 409, 503);

        api.MapPost("/runs/{id}/reproduction", ReproductionApi.PostAsync).For(Operator)
            .Describe("Runs", "Run a run again from its raw rows, on a storage of its own, and compare tables, models and metrics, in the background")
            .Gives<Reproduction>(202).Fails(400, 404, 409, 501, 503);
        api.MapGet("/runs/{id}/reproduction", ReproductionApi.GetAsync).For(Reader)
            .Describe("Runs", "Whether a run has come to the same when it was run again: the latest time")
            .Gives<Reproduction>().Fails(404, 501, 503);

        api.MapDelete("/runs/{id}", RunsApi.DeleteAsync).For(Admin).Describe("Runs", "Delete a run that has ended, with what it logged")
            .Deletes().Fails(404, 409, 503).Audited("delete");

        api.MapGet("/models", ModelsApi.ListAsync).For(Reader).Describe("Models", "Registered models with their aliases, by name, a page at a time")
            .Gives<ModelList>().Fails(400, 503);
        api.MapGet("/models/{name}", ModelsApi.GetAsync).For(Reader).Describe("Models", "A model: newest versions, aliases and their history")
            .Gives<ModelView>().Fails(404, 503);
        api.MapGet("/models/{name}/versions", ModelsApi.ListVersionsAsync).For(Reader).Describe("Models", "Versions, newest first, a page at a time")
            .Gives<VersionList>().Fails(400, 404, 503);
        api.MapGet("/models/{name}/versions/{version}", ModelsApi.GetVersionAsync).For(Reader)
            .Describe("Models", "A version: metrics, lineage, signature")
            .Gives<VersionView>().Fails(404, 503);
        api.MapPost("/models/{name}/versions/{version}/try", TryApi.PostAsync).For(Reader)
            .Describe("Models", "What a version makes of a row, explained; nothing of it is logged, so that it moves no signal")
            .Takes<TryRequest>("""{ "features": { "trip_distance": 3.1, "vendor_id": "CMT" } }""")
            .Gives<PredictedRow>().Fails(400, 404, 503);
        api.MapGet("/models/{name}/drift", LiveDriftApi.GetAsync).For(Reader)
            .Describe("Models", "A check of live rows by every signal: the last one, or that of a window")
            .Gives<LiveDriftCheck>().Fails(404, 503);
        api.MapGet("/models/{name}/drift/page", LiveDriftApi.GetPageAsync).For(Reader).Describe("Models", "The same as a page")
            .GivesPage().Fails(404, 503);
        api.MapGet("/models/{name}/monitoring", LiveDriftApi.ListAsync).For(Reader)
            .Describe("Models", "Checked windows of live rows with the value of every signal, newest first, a page at a time")
            .Gives<MonitoringHistory>().Fails(400, 404, 503);
        api.MapGet("/models/{name}/predictions", PredictionsApi.Export).For(Operator)
            .Describe("Predictions", "The kept rows of one key with their predictions, a JSON line each, oldest first")
            .GivesLines().Fails(400, 503);
        api.MapDelete("/models/{name}/predictions", PredictionsApi.DeleteAsync).For(Admin).Describe("Predictions", "Delete the kept rows of one key")
            .Gives<DeletedRows>().Fails(400, 503).Audited("delete predictions");
        api.MapGet("/models/{name}/traffic", TrafficApi.GetAsync).For(Reader).Describe("Models", "Which versions answer a model's requests")
            .Gives<TrafficView>().Fails(404, 503);
        api.MapGet("/models/{name}/traffic/comparison", TrafficApi.CompareAsync).For(Reader)
            .Describe("Models", "How the versions have done since traffic was split: their feedback, and a test that may be looked at any time")
            .Gives<TrafficComparison>().Fails(404, 409, 503);
        api.MapPut("/models/{name}/traffic", TrafficApi.PutAsync).For(Admin)
            .Describe("Models", "Share a model's requests out between versions, or have one answer as a shadow")
            .Takes<TrafficRequest>("""{ "weights": { "3": 90, "4": 10 }, "reason": "first look at version 4" }""")
            .Gives<TrafficView>().Fails(400, 404, 503).Audited("traffic");
        api.MapDelete("/models/{name}/traffic", TrafficApi.DeleteAsync).For(Admin).Describe("Models", "Let production answer all requests again")
            .Gives<TrafficView>().Fails(404, 503).Audited("traffic");
        api.MapPost("/models/{name}/canary", TrafficApi.StartCanaryAsync).For(Admin)
            .Describe("Models", "Bring a version into production step by step; it is judged by what it answers, and taken out when it is worse")
            .Takes<CanaryRequest>("""{ "version": 4, "steps": [5, 25], "hold": "01:00:00" }""")
            .Gives<RunView>(202).Fails(400, 404, 503).Audited("canary");
        api.MapPost("/models/{name}/score", ScoreApi.StartAsync).For(Operator)
            .Describe("Models", "Start a run that scores a table, an uploaded file or a dataset version, as a dataset version")
            .Takes<ScoreRequest>("""{ "source": "raw/taxi-fare-to-score/2026-12.csv" }""")
            .Gives<RunView>(202).Fails(400, 404, 503).Audited("score");
        api.MapPut("/models/{name}/aliases/{alias}", ModelsApi.PutAliasAsync).For(Admin)
            .Describe("Models", "Point an alias at a version; alias production promotes by hand")
            .Takes<AliasRequest>("""{ "version": 3 }""")
            .Gives<ModelView>().Fails(400, 404, 503).Audited("alias");
        api.MapPost("/models/{name}/rollback", ModelsApi.RollbackAsync).For(Admin).Describe("Models", "Point production back at the version before")
            .Takes<RollbackRequest>("""{ "from": 2 }""", isOptional: true)
            .Gives<ModelView>().Fails(400, 404, 409, 503).Audited("rollback");

        api.MapDelete("/models/{name}", ModelsApi.DeleteAsync).For(Admin).Describe("Models", "Delete a model that does not serve, with all its versions")
            .Deletes().Fails(404, 409, 503).Audited("delete");
        api.MapDelete("/models/{name}/versions/{version}", ModelsApi.DeleteVersionAsync).For(Admin)
            .Describe("Models", "Delete a version that no alias points at")
            .Deletes().Fails(404, 409, 503).Audited("delete");
        api.MapDelete("/models/{name}/aliases/{alias}", ModelsApi.DeleteAliasAsync).For(Admin)
            .Describe("Models", "Take an alias away; without alias production a model does not serve")
            .Deletes().Fails(404, 503).Audited("delete");

        api.MapGet("/raw", RawApi.ListAsync).For(Reader).Describe("Raw files", "Uploaded files, by name, a page at a time")
            .Gives<RawFileList>().Fails(400, 503);
        api.MapGet("/raw/{model}", RawApi.ListOfModelAsync).For(Reader).Describe("Raw files", "A model's uploaded files, by name, a page at a time")
            .Gives<RawFileList>().Fails(400, 503);
        api.MapPut("/raw/{model}/{file}", RawApi.PutAsync).For(Admin).Describe("Raw files", "Upload a raw file")
            .TakesFile().WithMetadata(new Unhurried())
            .Gives<UploadedFile>(201).Fails(400, 408, 409, 413, 415, 503);
        api.MapPost("/raw/{model}/{file}/upload-url", UploadUrlApi.PostAsync).For(Operator)
            .Describe("Raw files", "An address for some minutes to which a raw file is uploaded past this host")
            .Gives<UploadUrl>().Fails(400, 503).Audited("upload address");
        api.MapDelete("/raw/{model}/{**file}", RawApi.DeleteAsync).For(Admin).Describe("Raw files", "Delete a raw file that no unfinished run reads")
            .Deletes().Fails(404, 409, 503).Audited("delete");

        api.MapGet("/datasets/{model}/versions", DataApi.ListAsync).For(Reader)
            .Describe("Data", "Dataset versions of a model, newest first, a page at a time")
            .Gives<DataVersionList>().Fails(400, 503);
        api.MapGet("/datasets/{model}/versions/{version}", DataApi.GetAsync).For(Reader).Describe("Data", "A dataset version: columns, parts, tags, runs")
            .Gives<DataVersionView>().Fails(400, 404, 503);
        api.MapGet("/datasets/{model}/versions/{version}/content", DataApi.GetContentAsync).For(Reader)
            .Describe("Data", "The rows of a dataset version as a file").WithMetadata(new Unhurried())
            .GivesFile().Fails(400, 404, 503);
        api.MapGet("/datasets/{model}/diff", DataApi.DiffAsync).For(Reader)
            .Describe("Data", "What is different between two dataset versions: columns, rows, values")
            .Gives<DataDiff>().Fails(400, 404, 503);
        api.MapGet("/datasets/{model}/tags", DataApi.ListTagsAsync).For(Reader).Describe("Data", "Names that people gave to dataset versions, a page at a time")
            .Gives<DataTagList>().Fails(400, 503);
        api.MapPut("/datasets/{model}/tags/{tag}", DataApi.PutTagAsync).For(Operator)
            .Describe("Data", "Give a name to a dataset version, for good or to be moved later")
            .Takes<DataTagRequest>("""{ "version": "latest", "movable": false }""")
            .Gives<DataTag>().Fails(400, 404, 409, 503).Audited("tag");
        api.MapDelete("/datasets/{model}/tags/{tag}", DataApi.DeleteTagAsync).For(Admin).Describe("Data", "Take a name away; the version stays")
            .Deletes().Fails(404, 409, 503).Audited("delete");

        api.MapPost("/datasets/{model}/restore", DataApi.RestoreAsync).For(Operator)
            .Describe("Data", "Make a raw dataset version the newest again: latest, and what runs read when no file is named")
            .Takes<DataRestoreRequest>("""{ "version": "latest~1" }""")
            .Gives<DataVersionLink>().Fails(400, 404, 503).Audited("restore");

        api.MapPost("/datasets/{model}/from-predictions", DataApi.FromPredictionsAsync).For(Operator)
            .Describe("Data", "Make a raw dataset version of predictions and what came true of them").WithMetadata(new Unhurried())
            .Takes<DataFromPredictionsRequest>("""{ "from": "2026-11-26T10:00:00Z", "until": "2026-11-26T12:00:00Z" }""")
            .Gives<DataVersionLink>().Fails(400, 503).Audited("make data");

        api.MapPost("/datasets/gc", DataCareApi.CollectAsync).For(Admin)
            .Describe("Data", "Find dataset versions that no run, model version, tag or definition reaches, and delete them where asked")
            .Takes<DataGarbageRequest>("""{ "delete": false }""", isOptional: true)
            .Gives<DataGarbageView>().Fails(400, 503).Audited("collect");
        api.MapGet("/datasets/{model}/verify", DataCareApi.VerifyAsync).For(Admin)
            .Describe("Data", "Read a model's dataset versions again, newest first, and name what is damaged; a part of them at a time")
            .Gives<DataVerificationView>().Fails(400, 503);

        api.MapGet("/lineage/{kind}/{**id}", LineageApi.GetAsync).For(Reader)
            .Describe("Data", "What a file, dataset version, run, model version or hour of predictions comes from, and what comes from it")
            .Gives<LineageGraph>().Fails(400, 404, 503);

        api.MapGet("/audit", AuditApi.ListAsync).For(Admin).Describe("Audit", "Who decided what, newest first, a page at a time")
            .Gives<AuditList>().Fails(400, 503);

        routes.MapOpenApi(ApiDocument.Route).For(Reader);
        api.MapGet(DocsApi.Route, DocsApi.Get).For(Reader).ExcludeFromDescription();
        api.MapGet(DocsApi.ScriptRoute, DocsApi.GetScript).For(Reader).ExcludeFromDescription();
        return routes;
    }

    /// <summary>Pages of a person's browser; each is told as JSON too.</summary>
    private static void MapDashboard(RouteGroupBuilder pages)
    {
        pages.ExcludeFromDescription();
        pages.MapGet("", OverviewApi.GetAsync).For(Reader);
        pages.MapGet("/runs", RunPagesApi.ListAsync).For(Reader);
        pages.MapGet("/runs/compare", RunPagesApi.CompareAsync).For(Reader);
        pages.MapGet("/runs/{id}", RunPagesApi.GetAsync).For(Reader);
        pages.MapGet("/models", OverviewApi.GetModelsAsync).For(Reader);
        pages.MapGet("/models/{name}", ModelPagesApi.GetAsync).For(Reader);
        pages.MapGet("/models/{name}/traffic", ModelPagesApi.GetTrafficAsync).For(Reader);
        pages.MapGet("/models/{name}/monitoring", ModelPagesApi.GetMonitoringAsync).For(Reader);
        pages.MapGet("/models/{name}/versions/{version}", ModelPagesApi.GetVersionAsync).For(Reader);
        pages.MapGet("/data", DataPagesApi.ListAsync).For(Reader);
        pages.MapGet("/data/{model}", DataPagesApi.GetModelAsync).For(Reader);
        pages.MapGet("/data/{model}/diff", DataPagesApi.DiffAsync).For(Reader).WithMetadata(new Unhurried());
        pages.MapGet("/data/{model}/{version}", DataPagesApi.GetVersionAsync).For(Reader).WithMetadata(new Unhurried());
        pages.MapGet("/new", (Delegate)NewModelApi.GetAsync).For(Reader);
        pages.MapGet("/new/{model}", NewModelApi.InferAsync).For(Reader).WithMetadata(new Unhurried());
        // What a page looks like is no secret, and the page where one signs in has the same look.
        pages.MapGet("/assets/{hash}/{name}", AssetsApi.Get).For(Anonymous);
    }

    /// <summary>The Open Inference Protocol.</summary>
    private static void MapInference(RouteGroupBuilder v2)
    {
        const string Tag = "Open Inference Protocol";
        v2.MapGet("", InferenceApi.GetServer).For(Reader).Describe(Tag, "What this server is").Gives<InferenceServer>().FailsAs<InferenceErrorFace>();
        v2.MapGet("/health/live", InferenceApi.GetLive).For(Anonymous).Describe(Tag, "Whether this server answers at all")
            .Gives<InferenceLive>().FailsAs<InferenceErrorFace>();
        v2.MapGet("/health/ready", HealthApi.GetReadyAsync).For(Anonymous).Describe(Tag, "Whether this server can do its work")
            .Gives<InferenceReady>().Fails(503).FailsAs<InferenceErrorFace>();

        v2.MapGet("/models/{model}", InferenceApi.GetModelAsync).For(Reader).Describe(Tag, "Tensors of a model's production version")
            .Gives<InferenceModel>().Fails(404, 503).FailsAs<InferenceErrorFace>();
        v2.MapGet("/models/{model}/ready", InferenceApi.GetModelReadyAsync).For(Reader).Describe(Tag, "Whether a model's production version answers")
            .Gives<InferenceReady>().Fails(404, 503).FailsAs<InferenceErrorFace>();
        v2.MapPost("/models/{model}/infer", InferenceApi.InferAsync).For(Reader).Describe(Tag, "Predict rows, given as tensors, by the production version")
            .Takes<InferenceRequest>(InferenceRequest.Example).Gives<InferenceResponse>().Fails(400, 404, 503).FailsAs<InferenceErrorFace>();

        v2.MapGet("/models/{model}/versions/{version}", InferenceApi.GetVersionAsync).For(Reader).Describe(Tag, "Tensors of any version")
            .Gives<InferenceModel>().Fails(404, 503).FailsAs<InferenceErrorFace>();
        v2.MapGet("/models/{model}/versions/{version}/ready", InferenceApi.GetVersionReadyAsync).For(Reader).Describe(Tag, "Whether a version answers")
            .Gives<InferenceReady>().Fails(404, 503).FailsAs<InferenceErrorFace>();
        v2.MapPost("/models/{model}/versions/{version}/infer", InferenceApi.InferVersionAsync).For(Reader)
            .Describe(Tag, "Predict rows, given as tensors, by any version")
            .Takes<InferenceRequest>(InferenceRequest.Example).Gives<InferenceResponse>().Fails(400, 404, 503).FailsAs<InferenceErrorFace>();
    }
}

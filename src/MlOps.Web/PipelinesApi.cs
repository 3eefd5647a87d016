using System.ComponentModel;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Deletion;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Web;

/// <summary>Pipeline definitions, and the runs started from them.</summary>
public static class PipelinesApi
{
    private static readonly Dictionary<string, RunGoal> Goals = new() { ["model"] = RunGoal.Model, ["dataset"] = RunGoal.Dataset };

    public static async Task<IResult> ListAsync(
        [Description(PageQuery.TakeWords)] string? take, [Description(PageQuery.NextWords)] string? next, DefinitionStore definitions, CancellationToken cancel)
    {
        var query = PageQuery.Of(take, next);
        var page = await definitions.ListAsync(query.Take, query.Next, cancel);
        return TypedResults.Ok(new PipelineList([.. page.Items.Select(model => new PipelineLink(model, Links.Pipeline(model)))], page.Next));
    }

    public static async Task<IResult> GetAsync(string model, DefinitionStore definitions, CancellationToken cancel) =>
        await FindAsync(model, definitions, cancel) is { } definition ? Show(definition, StatusCodes.Status200OK) : Unknown(model);

    /// <summary>Stores a definition; 201 when the model had none, else 200. The body may leave out 'model', which the URL names.</summary>
    public static async Task<IResult> PutAsync(
        string model, HttpRequest request, DefinitionStore definitions, RunSources sources, KnownExtensions known, InputLimits limits,
        CancellationToken cancel)
    {
        if (!Names.IsModel(model))
        {
            return HttpProblems.BadRequest($"The model name '{model}' in the URL must be {ModelName.Rule}.");
        }
        using var body = await JsonBody.ReadAsync(request, limits, cancel);
        if (body is null)
        {
            return HttpProblems.BadRequest("The body is empty. Send a definition; the shortest is {\"target\": \"the column to predict\"}.");
        }
        var definition = DefinitionJson.Read(WithModel(body.RootElement, model), known);
        if (definition.Model != model)
        {
            return HttpProblems.BadRequest(
                $"The definition's model is '{definition.Model}' and the URL's is '{model}'. Make them the same, or leave it out of the body.");
        }
        if (definition.Data is { } pinned)
        {
            await sources.PinnedAsync(model, pinned, cancel);
        }
        var before = await definitions.FindAsync(model, cancel);
        var isNew = before is null;
        var from = before is null ? null : DefinitionStore.IdOf(before);
        Auditing.Tell(request.HttpContext, from, await definitions.SnapshotAsync(definition, cancel));
        await definitions.PutAsync(definition, cancel);
        if (isNew)
        {
            request.HttpContext.Response.Headers.Location = Links.Pipeline(model);
        }
        return Show(definition, isNew ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    public static async Task<IResult> DeleteAsync(string model, DefinitionDeletion definitions, CancellationToken cancel) =>
        Deletions.Answer(Names.IsModel(model) ? await definitions.DeleteAsync(model, cancel) : DeletionResult.Unknown, () => Unknown(model));

    /// <summary>
    /// Starts a run of the model's definition, on the named uploaded file or dataset version, or on what the definition pins, or on the newest file; as far as
    /// its goal.
    /// </summary>
    public static async Task<IResult> StartRunAsync(
        string model, HttpRequest request, DefinitionStore definitions, PipelineStorage storage, RunStarter starter, InputLimits limits,
        CancellationToken cancel)
    {
        var (source, data, goal) = await JsonBody.ReadAsync(
            request, limits, body => new StartRunRequest(body.Text("source"), body.Text("data"), body.Choice("goal", Goals)), cancel);
        if (await FindAsync(model, definitions, cancel) is null)
        {
            return Unknown(model);
        }
        if (source is not null && await ProblemOfAsync(source, model, storage, cancel) is { } problem)
        {
            return HttpProblems.BadRequest(problem);
        }
        if (data is not null && source is not null)
        {
            return HttpProblems.BadRequest("source and data are both named; a run reads one: a file, or a dataset version.");
        }
        var run = await starter.StartAsync(new RunRequest(model, source, RunTriggers.Http) { Data = data, Goal = goal ?? RunGoal.Model }, cancel);
        return TypedResults.Accepted(Links.Run(run.RunId), RunView.Of(run));
    }

    private static async Task<string?> ProblemOfAsync(string source, string model, PipelineStorage storage, CancellationToken cancel) =>
        Names.ProblemOfSource(model, source)
        ?? (await storage.Raw.GetBlobClient(source["raw/".Length..]).ExistsAsync(cancel) ? null : $"There is no uploaded file '{source}'. PUT /{source} "
            + $"first.");

    private static async Task<PipelineDefinition?> FindAsync(string model, DefinitionStore definitions, CancellationToken cancel) =>
        Names.IsModel(model) ? await definitions.FindAsync(model, cancel) : null;

    private static IResult Unknown(string model) =>
        HttpProblems.NotFound($"Model '{model}' has no pipeline definition. PUT /pipelines/{model} stores one; GET /pipelines lists all.");

    private static IResult Show(PipelineDefinition definition, int status) =>
        TypedResults.Text(DefinitionJson.Write(definition), "application/json", Encoding.UTF8, status);

    private static string WithModel(JsonElement definition, string model)
    {
        if (definition.ValueKind != JsonValueKind.Object || definition.TryGetProperty("model", out _))
        {
            return definition.GetRawText();
        }
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            writer.WriteString("model", model);
            foreach (var member in definition.EnumerateObject())
            {
                member.WriteTo(writer);
            }
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(json.ToArray());
    }
}

/// <summary>Models that have a definition, by name.</summary>
/// <param name="Pipelines">This page of them.</param>
/// <param name="Next">Where the list goes on; left out at its end.</param>
public sealed record PipelineList(IReadOnlyList<PipelineLink> Pipelines, string? Next);

/// <summary>A definition's model and address.</summary>
public sealed record PipelineLink(string Model, string Url);

/// <summary>The body of <c>POST /pipelines/{model}/runs</c>; may be left out.</summary>
/// <param name="Source">An uploaded file, <c>raw/{model}/{file}</c>; left out: the definition's <c>data</c>, else the newest of the model.</param>
/// <param name="Data">A raw dataset version in place of a file: a tag, <c>latest~1</c>, <c>v3</c>, or an id.</param>
/// <param name="Goal"><c>model</c> goes all the way; <c>dataset</c> only ingests the file. Left out: <c>model</c>.</param>
public sealed record StartRunRequest(string? Source, string? Data, RunGoal? Goal);

using System.Globalization;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Web;

/// <summary>Whole tables scored as runs.</summary>
public static class ScoreApi
{
    /// <summary>Starts a run that scores an uploaded file, or a dataset version, with a version of the model.</summary>
    public static async Task<IResult> StartAsync(
        string name, HttpRequest request, ModelRegistry registry, PipelineStorage storage, ScoreStarter scores, InputLimits limits, CancellationToken cancel)
    {
        var wish = await JsonBody.ReadAsync(request, limits, Read, cancel);
        if (await ModelsApi.FindAsync(name, registry, cancel) is null)
        {
            return ModelsApi.Unknown(name);
        }
        if (wish.Source is { } source && await ProblemOfAsync(source, storage, cancel) is { } problem)
        {
            return HttpProblems.BadRequest(problem);
        }
        var run = await scores.StartAsync(name, wish, RunTriggers.Http, cancel);
        var version = run.Version?.ToString(CultureInfo.InvariantCulture);
        Auditing.Tell(request.HttpContext, from: null, $"{wish.Data ?? wish.Source} with version {version}, run {run.RunId}");
        return TypedResults.Accepted(Links.Run(run.RunId), RunView.Of(run));
    }

    private static ScoreWish Read(JsonReader body)
    {
        var wish = new ScoreWish(body.Text("source"), body.Text("data"), (int?)body.Integer("version", 1, int.MaxValue));
        if (wish.Source is null == wish.Data is null)
        {
            body.Problem("source", wish.Source is null
                ? "is missing: name an uploaded file, raw/{folder}/{file}, or 'data', a raw dataset version."
                : "and 'data' are both given; a run scores one table: a file, or a dataset version.");
        }
        return wish;
    }

    /// <summary>In any folder: those of the model's own start runs that train.</summary>
    private static async Task<string?> ProblemOfAsync(string source, PipelineStorage storage, CancellationToken cancel)
    {
        var isFile = source.Split('/') is ["raw", var folder, _, ..] && Names.IsModel(folder) && Names.ProblemOfSource(folder, source) is null;
        if (!isFile)
        {
            return $"source is '{source}'; it must be an uploaded file, raw/{{folder}}/{{file}}. PUT /raw/{{folder}}/{{file}} uploads one.";
        }
        return await storage.Raw.GetBlobClient(source["raw/".Length..]).ExistsAsync(cancel)
            ? null
            : $"There is no uploaded file '{source}'. PUT /{source} first.";
    }
}

/// <summary>The body of <c>POST /models/{name}/score</c>: one of source and data.</summary>
/// <param name="Source">An uploaded file, <c>raw/{folder}/{file}</c>, in any folder.</param>
/// <param name="Data">A raw dataset version of the model: a tag, <c>latest~1</c>, <c>v3</c>, or an id; of another model as <c>model@version</c>.</param>
/// <param name="Version">The version that scores; left out: the one in production.</param>
public sealed record ScoreRequest(string? Source, string? Data, int? Version);

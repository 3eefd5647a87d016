using System.ComponentModel;
using Azure;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Deletion;
using MlOps.Pipeline.Tracking;

namespace MlOps.Web;

/// <summary>Runs, what they logged and what they keep.</summary>
public static class RunsApi
{
    public static async Task<IResult> ListAsync(
        [Description("Only runs of this model.")] string? model,
        [Description(PageQuery.TakeWords)] string? take,
        [Description(PageQuery.NextWords)] string? next,
        RunStore runs,
        CancellationToken cancel)
    {
        var query = PageQuery.Of(take, next);
        if (model is not null && !Names.IsModel(model))
        {
            return HttpProblems.BadRequest($"model is '{model}'; it must be {ModelName.Rule}.");
        }
        var page = await runs.ListAsync(model, query.Take, query.Next, cancel);
        return TypedResults.Ok(new RunList([.. page.Items.Select(RunView.Of)], page.Next));
    }

    public static async Task<IResult> GetAsync(string id, RunStore runs, DefinitionStore definitions, CancellationToken cancel)
    {
        if (!Names.IsRun(id) || await runs.FindDetailsAsync(id, cancel) is not { } details)
        {
            return Unknown(id);
        }
        return TypedResults.Ok(RunView.Of(details, await RunDefinitions.FindAsync(details.Run, definitions, cancel)));
    }

    /// <summary>Streams a file that the run lists; a path that is not listed leads nowhere.</summary>
    public static async Task<IResult> GetArtifactAsync(
        string id, string path, HttpContext http, RunStore runs, ArtifactStore artifacts, CancellationToken cancel)
    {
        AnswerHeaders.LetOwnPagesFrame(http.Response);
        if (!Names.IsRun(id) || await runs.FindAsync(id, cancel) is null)
        {
            return Unknown(id);
        }
        return await TryOpenAsync(id, path, artifacts, cancel) is { } content
            ? TypedResults.Stream(content, ContentTypes.Of(path), enableRangeProcessing: true)
            : HttpProblems.NotFound($"Run '{id}' has no artifact '{path}'. GET {Links.Run(id)} lists its artifacts.");
    }

    /// <summary>Deletes a run that has ended and registered no version that is kept.</summary>
    public static async Task<IResult> DeleteAsync(string id, RunDeletion runs, CancellationToken cancel) =>
        Deletions.Answer(Names.IsRun(id) ? await runs.DeleteAsync(id, cancel) : DeletionResult.Unknown, () => Unknown(id));

    internal static IResult Unknown(string id) => HttpProblems.NotFound($"There is no run '{id}'. GET /runs lists the runs.");

    private static async Task<Stream?> TryOpenAsync(string id, string path, ArtifactStore artifacts, CancellationToken cancel)
    {
        const int LongestPath = 400;
        try
        {
            return path.Length <= LongestPath ? (await artifacts.OpenAsync(id, path, cancel))?.Content : null;
        }
        catch (RequestFailedException gone) when (gone.Status == 404)
        {
            return null;
        }
    }
}

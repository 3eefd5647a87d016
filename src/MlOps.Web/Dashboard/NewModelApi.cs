using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Ingest;

namespace MlOps.Web.Dashboard;

/// <summary>Pages on which a file becomes a model.</summary>
public static class NewModelApi
{
    public static Task<IResult> GetAsync(HttpContext http) => PageAnswer.ShowAsync<DropPage, string>(http, "");

    /// <summary>
    /// What was found in the file, to be looked at, changed and trained on. Finding it reads all of the file: a page is there at once, and asks for it itself.
    /// </summary>
    public static async Task<IResult> InferAsync(
        string model, [AsParameters] InferQuery query, HttpContext http, DefinitionInference inference, RunSources sources, DefinitionStore definitions,
        CancellationToken cancel)
    {
        var wish = new InferRequest(Given(query.Source), Given(query.Target), Task: null, Ignore: null);
        if (query.Looked != true && PageAnswer.WantsPage(http.Request))
        {
            var file = await InferView.SourceOfAsync(model, wish, sources, cancel);
            return await PageAnswer.ShowAsync<LookPage, LookPageData>(http, new LookPageData(model, file, PageAnswer.With(http.Request, "looked")));
        }
        var found = await InferView.OfAsync(model, wish, inference, sources, cancel);
        var isDeclared = await definitions.FindAsync(model, cancel) is not null;
        return await PageAnswer.ShowAsync<InferPage, InferPageData>(http, new InferPageData(found, isDeclared));
    }

    private static string? Given(string? text) => text is { Length: > 0 } ? text : null;
}

/// <summary>What the page of a new model is about.</summary>
public sealed record InferQuery
{
    /// <summary>The uploaded file; null: the newest of the model.</summary>
    public string? Source { get; init; }
    /// <summary>The column to predict; null: guessed.</summary>
    public string? Target { get; init; }
    /// <summary>Whether the page waits for what is found in the file.</summary>
    public bool? Looked { get; init; }
}

/// <param name="Model">The model.</param>
/// <param name="Source">The file that is looked at.</param>
/// <param name="Later">Where it is told what was found.</param>
public sealed record LookPageData(string Model, string Source, string Later);

/// <param name="Found">What was found in the file.</param>
/// <param name="IsDeclared">Whether the model has a definition already, which this one would replace.</param>
public sealed record InferPageData(InferView Found, bool IsDeclared);

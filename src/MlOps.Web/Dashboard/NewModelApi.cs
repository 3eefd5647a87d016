using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Ingest;

namespace MlOps.Web.Dashboard;

/// <summary>Pages on which a file becomes a model.</summary>
public static class NewModelApi
{
    public static Task<IResult> GetAsync(HttpContext http) => PageAnswer.ShowAsync<DropPage, string>(http, "");

    /// <summary>What was found in the file, to be looked at, changed and trained on.</summary>
    public static async Task<IResult> InferAsync(
        string model, string? source, string? target, HttpContext http, DefinitionInference inference, RunSources sources, DefinitionStore definitions,
        CancellationToken cancel)
    {
        var wish = new InferRequest(source is { Length: > 0 } ? source : null, target is { Length: > 0 } ? target : null, Task: null, Ignore: null);
        var found = await InferView.OfAsync(model, wish, inference, sources, cancel);
        var isDeclared = await definitions.FindAsync(model, cancel) is not null;
        return await PageAnswer.ShowAsync<InferPage, InferPageData>(http, new InferPageData(found, isDeclared));
    }
}

/// <param name="Found">What was found in the file.</param>
/// <param name="IsDeclared">Whether the model has a definition already, which this one would replace.</param>
public sealed record InferPageData(InferView Found, bool IsDeclared);

using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Monitoring;

namespace MlOps.Web;

/// <summary>What the last check of a model's live rows found.</summary>
public static class LiveDriftApi
{
    public static async Task<IResult> GetAsync(string name, ModelRegistry registry, LiveDriftStore checks, CancellationToken cancel)
    {
        if (await ModelsApi.FindAsync(name, registry, cancel) is null)
        {
            return ModelsApi.Unknown(name);
        }
        return await checks.FindNewestAsync(name, cancel) is { } check ? TypedResults.Ok(check) : NotChecked(name);
    }

    public static async Task<IResult> GetPageAsync(string name, ModelRegistry registry, LiveDriftStore checks, CancellationToken cancel)
    {
        if (await ModelsApi.FindAsync(name, registry, cancel) is null)
        {
            return ModelsApi.Unknown(name);
        }
        return await checks.FindNewestPageAsync(name, cancel) is { } page ? TypedResults.Bytes(page.ToMemory(), ContentTypes.Of(".html")) : NotChecked(name);
    }

    private static IResult NotChecked(string name) => HttpProblems.NotFound(
        $"Live rows of model '{name}' have not been checked yet. A check comes when its production version has predicted monitor.minRows rows and "
            + $"monitor.every has passed; GET {Links.Pipeline(name)} shows both.");
}

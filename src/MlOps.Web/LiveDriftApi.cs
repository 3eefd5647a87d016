using System.ComponentModel;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Monitoring;

namespace MlOps.Web;

/// <summary>What checks of a model's live rows found.</summary>
public static class LiveDriftApi
{
    private const string WindowWords = "The id of a window, as GET /models/{name}/monitoring lists it; left out: the newest.";

    /// <summary>Checks, newest first.</summary>
    public static async Task<IResult> ListAsync(
        string name,
        [Description(PageQuery.TakeWords)] string? take,
        [Description(PageQuery.NextWords)] string? next,
        ModelRegistry registry,
        LiveDriftStore checks,
        CancellationToken cancel)
    {
        var query = PageQuery.Of(take, next);
        if (await ModelsApi.FindAsync(name, registry, cancel) is null)
        {
            return ModelsApi.Unknown(name);
        }
        var page = await checks.ListAsync(name, query.Take, query.Next, cancel);
        return TypedResults.Ok(new MonitoringHistory(name, [.. page.Items.Select(MonitoredWindow.Of)], page.Next));
    }

    public static async Task<IResult> GetAsync(
        string name, [Description(WindowWords)] string? window, ModelRegistry registry, LiveDriftStore checks, CancellationToken cancel)
    {
        if (await ModelsApi.FindAsync(name, registry, cancel) is null)
        {
            return ModelsApi.Unknown(name);
        }
        if (window is null)
        {
            return await checks.FindNewestAsync(name, cancel) is { } newest ? TypedResults.Ok(newest) : NotChecked(name);
        }
        return LiveDriftStore.ReadTime(window) is { } until && await checks.FindAsync(name, until, cancel) is { } check
            ? TypedResults.Ok(check)
            : NoWindow(name, window);
    }

    public static async Task<IResult> GetPageAsync(
        string name, [Description(WindowWords)] string? window, ModelRegistry registry, LiveDriftStore checks, CancellationToken cancel)
    {
        if (await ModelsApi.FindAsync(name, registry, cancel) is null)
        {
            return ModelsApi.Unknown(name);
        }
        if (window is null)
        {
            return await checks.FindNewestPageAsync(name, cancel) is { } newest ? Page(newest) : NotChecked(name);
        }
        return LiveDriftStore.ReadTime(window) is { } until && await checks.FindPageAsync(name, until, cancel) is { } page
            ? Page(page)
            : NoWindow(name, window);
    }

    private static IResult Page(BinaryData page) => TypedResults.Bytes(page.ToMemory(), ContentTypes.Of(".html"));

    private static IResult NoWindow(string name, string window) => HttpProblems.NotFound(
        $"Model '{name}' has no checked window '{window}'. GET {Links.Model(name)}/monitoring lists those that are kept.");

    private static IResult NotChecked(string name) => HttpProblems.NotFound(
        $"Live rows of model '{name}' have not been checked yet. A check comes when its production version has predicted monitor.minRows rows and "
            + $"monitor.every has passed, or monitor.rows rows where that is set; GET {Links.Pipeline(name)} shows them.");
}

using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Tracking;

namespace MlOps.Web.Dashboard;

/// <summary>The page that everything begins at.</summary>
public static class OverviewApi
{
    private const int ModelsAtOnce = 25;
    private const int RecentRuns = 12;

    public static async Task<IResult> GetAsync(HttpContext http, string? next, ModelOverview overview, RunStore runs, CancellationToken cancel)
    {
        var models = await overview.ListAsync(ModelsAtOnce, next, cancel);
        var recent = await runs.ListAsync(model: null, RecentRuns, cancel);
        var attention = await overview.FindAttentionAsync(models.Items, recent, cancel);
        return await PageAnswer.ShowAsync<OverviewPage, OverviewData>(
            http, new OverviewData(attention, models.Items, [.. recent.Select(RunView.Of)], models.Next));
    }

    public static async Task<IResult> GetModelsAsync(HttpContext http, string? next, ModelOverview overview, CancellationToken cancel)
    {
        var models = await overview.ListAsync(ModelsAtOnce, next, cancel);
        return await PageAnswer.ShowAsync<ModelListPage, ModelLines>(http, new ModelLines(models.Items, models.Next));
    }
}

/// <summary>Models, by name.</summary>
/// <param name="Models">This page of them.</param>
/// <param name="Next">Where the list goes on; null at its end.</param>
public sealed record ModelLines(IReadOnlyList<ModelLine> Models, string? Next);

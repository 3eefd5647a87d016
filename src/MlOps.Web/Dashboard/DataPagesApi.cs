using Microsoft.AspNetCore.Http;
using MlOps.Drift;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;

namespace MlOps.Web.Dashboard;

/// <summary>Pages of the data that models are made of.</summary>
public static class DataPagesApi
{
    public static async Task<IResult> ListAsync(HttpContext http, string? next, ModelOverview overview, DataLog log, CancellationToken cancel)
    {
        var models = await overview.ListNamesAsync(PageQuery.Default, next, cancel);
        var lines = new List<DataLine>();
        foreach (var some in models.Items.Chunk(8))
        {
            lines.AddRange(await Task.WhenAll(some.Select(async model =>
                new DataLine(model.Name, await log.ListAsync(model.Name, "raw", take: 1, next: null, cancel) is { Items: [var newest] } ? newest : null))));
        }
        return await PageAnswer.ShowAsync<DataListPage, DataLines>(http, new DataLines(lines, models.Next));
    }

    public static async Task<IResult> GetModelAsync(
        string model, HttpContext http, string? stage, string? next, DataLog log, DataTags tags, CancellationToken cancel)
    {
        if (!Names.IsModel(model))
        {
            return HttpProblems.NotFound($"There is no model '{model}'.");
        }
        if (stage is { Length: > 0 } && !DataEntry.Stages.Contains(stage))
        {
            return HttpProblems.BadRequest($"stage is '{stage}'; it must be one of {string.Join(", ", DataEntry.Stages)}.");
        }
        stage = stage is { Length: > 0 } ? stage : null;
        var page = await log.ListAsync(model, stage, PageQuery.Default, next, cancel);
        return await PageAnswer.ShowAsync<ModelDataPage, ModelDatasets>(
            http, new ModelDatasets(model, stage, page.Items, await tags.ListAsync(model, cancel), page.Next));
    }

    public static async Task<IResult> GetVersionAsync(
        string model, string version, bool? statistics, int? skip, HttpContext http, DatasetReader reader, CancellationToken cancel)
    {
        if (!Names.IsModel(model) || await reader.FindAsync(model, version, statistics == true ? Math.Max(0, skip ?? 0) : null, cancel) is not { } data)
        {
            return HttpProblems.NotFound($"Model '{model}' has no dataset version '{version}'.");
        }
        return await PageAnswer.ShowAsync<DatasetPage, DatasetData>(http, data);
    }

    /// <summary>Comparing reads both tables: a page is there at once, with the columns, and asks for the rest itself.</summary>
    public static async Task<IResult> DiffAsync(
        string model, string? from, string? to, bool? compared, HttpContext http, DataVersions versions, DataComparison comparison,
        CancellationToken cancel)
    {
        if (!Names.IsModel(model) || await versions.FindAsync(model, from ?? "latest~1", cancel) is not { } before
            || await versions.FindAsync(model, to ?? "latest", cancel) is not { } after)
        {
            return HttpProblems.NotFound($"Model '{model}' has no such two dataset versions: '{from ?? "latest~1"}' and '{to ?? "latest"}'.");
        }
        if (!PageAnswer.WantsPage(http.Request))
        {
            return TypedResults.Json(await comparison.CompareAsync(before, after, new DataDiffRequest(), cancel));
        }
        if (compared != true)
        {
            var columns = await comparison.CompareColumnsAsync(before, after, cancel);
            return await PageAnswer.ShowAsync<DiffPage, ShownDiff>(
                http, new ShownDiff(before, after, columns, Rows: null, Statistics: null, PageAnswer.With(http.Request, "compared")));
        }
        var diff = await comparison.CompareAsync(before, after, new DataDiffRequest(), cancel);
        return await PageAnswer.ShowAsync<DiffPage, ShownDiff>(http, new ShownDiff(before, after, diff.Columns, diff.Rows, diff.Statistics, Later: null));
    }
}

/// <param name="Model">The model.</param>
/// <param name="Newest">Its newest raw table; null: it has none.</param>
public sealed record DataLine(string Model, DataEntry? Newest);

/// <param name="Models">This page of the models.</param>
/// <param name="Next">Where they go on.</param>
public sealed record DataLines(IReadOnlyList<DataLine> Models, string? Next);

/// <param name="Model">The model.</param>
/// <param name="Stage">Only versions of this stage; null: of all.</param>
/// <param name="Versions">This page of them, newest first.</param>
/// <param name="Tags">Names that people gave.</param>
/// <param name="Next">Where the versions go on.</param>
public sealed record ModelDatasets(string Model, string? Stage, IReadOnlyList<DataEntry> Versions, IReadOnlyList<DataTag> Tags, string? Next);

/// <summary>As much of a diff as is known.</summary>
/// <param name="From">The version that is compared with.</param>
/// <param name="To">The version that is compared.</param>
/// <param name="Columns">Columns that only one has, or that changed their type.</param>
/// <param name="Rows">Rows that only one has, or whose cells changed; null: not compared yet.</param>
/// <param name="Statistics">How the values of each column moved; null: not compared yet.</param>
/// <param name="Later">Where the whole of it is; null: this is.</param>
public sealed record ShownDiff(
    DataEntry From, DataEntry To, ColumnDiff Columns, RowDiff? Rows, IReadOnlyList<ColumnDrift>? Statistics, string? Later);

using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;

namespace MlOps.Web.Dashboard;

/// <summary>Pages of the data that models are made of.</summary>
public static class DataPagesApi
{
    /// <summary>A table of so many cells is looked at while the page is waited for; a larger one when somebody asks for it.</summary>
    private const long CellsAtOnce = 1_000_000;

    /// <summary>Each column takes questions of its own.</summary>
    private const int ColumnsAtOnce = 60;

    public static async Task<IResult> ListAsync(HttpContext http, string? next, ModelOverview overview, DataLog log, CancellationToken cancel)
    {
        var models = await overview.ListAsync(PageQuery.Default, next, cancel);
        var lines = new List<DataLine>();
        foreach (var some in models.Items.Chunk(8))
        {
            lines.AddRange(await Task.WhenAll(some.Select(async model =>
                new DataLine(model.Model, await log.ListAsync(model.Model, "raw", take: 1, next: null, cancel) is { Items: [var newest] } ? newest : null))));
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

    public static async Task<IResult> DiffAsync(
        string model, string? from, string? to, HttpContext http, DataVersions versions, DataComparison comparison, CancellationToken cancel)
    {
        if (!Names.IsModel(model) || await versions.FindAsync(model, from ?? "latest~1", cancel) is not { } before
            || await versions.FindAsync(model, to ?? "latest", cancel) is not { } after)
        {
            return HttpProblems.NotFound($"Model '{model}' has no such two dataset versions: '{from ?? "latest~1"}' and '{to ?? "latest"}'.");
        }
        return await PageAnswer.ShowAsync<DiffPage, DataDiff>(http, await comparison.CompareAsync(before, after, new DataDiffRequest(), cancel));
    }

    /// <summary>Reads what the page of a dataset version shows.</summary>
    public sealed class DatasetReader(DataVersions versions, DatasetStore datasets, DataLog log, DataTags tags, DataStatistics statistics)
    {
        /// <param name="model">The model.</param>
        /// <param name="name">The version by a tag, <c>latest</c>, <c>v3</c>, or its id.</param>
        /// <param name="from">Its values are to be looked at, however many there are, from this column on; null: only where there are few.</param>
        /// <param name="cancel">Stops it.</param>
        public async Task<DatasetData?> FindAsync(string model, string name, int? from, CancellationToken cancel)
        {
            if (await versions.FindAsync(model, name, cancel) is not { } entry || await datasets.FindAsync(entry.Id, cancel) is not { } manifest)
            {
                return null;
            }
            var uses = await log.ListRunsAsync(model, entry.Id, cancel);
            var named = (await tags.ListAsync(model, cancel)).Where(tag => tag.Version == entry.Id).Select(tag => tag.Name).ToList();
            var dropped = manifest.Notes["dropped"] is System.Text.Json.Nodes.JsonObject reasons
                ? reasons.ToDictionary(reason => reason.Key, reason => reason.Value!.GetValue<long>())
                : null;
            var isSmall = manifest.Columns.Count <= ColumnsAtOnce && manifest.Rows * manifest.Columns.Count <= CellsAtOnce;
            var looked = from is not null || isSmall ? manifest.Columns.Skip(from ?? 0).Take(ColumnsAtOnce).ToList() : [];
            var next = (from ?? 0) + looked.Count;
            return new DatasetData(
                entry, looked.Count > 0 ? looked : manifest.Columns, manifest.Columns.Count, manifest.Parts, named, [.. uses.Select(use => use.RunId)], dropped,
                looked.Count > 0 ? await statistics.ReadAsync(manifest, looked, cancel) : null,
                looked.Count > 0 && next < manifest.Columns.Count ? next : null);
        }
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

/// <param name="Version">The version.</param>
/// <param name="Columns">Its columns; where they were looked at, those of this page.</param>
/// <param name="ColumnCount">How many it has.</param>
/// <param name="Parts">Its files; none for a view.</param>
/// <param name="Tags">Names that it has.</param>
/// <param name="Runs">Runs that had it.</param>
/// <param name="Dropped">Of a clean version: how many rows were dropped, and why.</param>
/// <param name="Statistics">What its columns hold; null: nobody asked, and there are many.</param>
/// <param name="Skipped">Where the columns go on: how many come before; null at their end.</param>
public sealed record DatasetData(
    DataEntry Version, IReadOnlyList<DatasetColumn> Columns, int ColumnCount, IReadOnlyList<DatasetPart> Parts, IReadOnlyList<string> Tags,
    IReadOnlyList<string> Runs,
    IReadOnlyDictionary<string, long>? Dropped, TableStatistics? Statistics, int? Skipped);

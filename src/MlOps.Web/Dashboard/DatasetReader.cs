using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;

namespace MlOps.Web.Dashboard;

/// <summary>Reads what the page of a dataset version shows.</summary>
public sealed class DatasetReader(
    PipelineStorage storage, DataVersions versions, DatasetStore datasets, DataLog log, DataTags tags, DataStatistics statistics)
{
    /// <summary>A table of so many cells is looked at while the page is waited for; a larger one when somebody asks for it.</summary>
    private const long CellsAtOnce = 1_000_000;

    /// <summary>Each column takes questions of its own; of so many all are looked at together.</summary>
    private const int MostTogether = 60;

    /// <summary>Columns that are looked at together of a wider table.</summary>
    private const int ColumnsAtOnce = 40;

    /// <summary>The API has the others.</summary>
    private const int MostRuns = 10;

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
        var runs = await log.ListRunsAsync(model, entry.Id, MostRuns, next: null, cancel);
        var named = (await tags.ListAsync(model, cancel)).Where(tag => tag.Version == entry.Id).Select(tag => tag.Name).ToList();
        var isNarrow = manifest.Columns.Count <= MostTogether;
        var isSmall = isNarrow && manifest.Rows * manifest.Columns.Count <= CellsAtOnce;
        var looked = from is not null || isSmall ? manifest.Columns.Skip(from ?? 0).Take(isNarrow ? MostTogether : ColumnsAtOnce).ToList() : [];
        var next = (from ?? 0) + looked.Count;
        return new DatasetData(
            entry, looked.Count > 0 ? looked : manifest.Columns, manifest.Columns.Count, manifest.Parts, named, runs.Items,
            DroppedOf(manifest),
            looked.Count > 0 ? await statistics.ReadAsync(manifest, looked, cancel) : null,
            looked.Count > 0 && next < manifest.Columns.Count ? next : null)
        {
            DroppedRows = await Pipeline.Data.DroppedRows.ReadAsync(storage, manifest, cancel),
            MoreRuns = runs.Next,
        };
    }

    private static IReadOnlyDictionary<string, long>? DroppedOf(DatasetManifest manifest) =>
        manifest.Notes[DatasetNotes.Dropped] is System.Text.Json.Nodes.JsonObject reasons
            ? reasons.ToDictionary(reason => reason.Key, reason => reason.Value!.GetValue<long>())
            : manifest.Notes[DatasetNotes.Ragged]?.GetValue<long>() is > 0 and var ragged
                ? new Dictionary<string, long> { [Pipeline.Data.DroppedRows.Ragged] = ragged }
                : null;
}

/// <param name="Version">The version.</param>
/// <param name="Columns">Its columns; where they were looked at, those of this page.</param>
/// <param name="ColumnCount">How many it has.</param>
/// <param name="Parts">Its files; none for a view.</param>
/// <param name="Tags">Names that it has.</param>
/// <param name="Runs">The first runs that had it.</param>
/// <param name="Dropped">Of a raw or clean version: how many rows were dropped, and why.</param>
/// <param name="Statistics">What its columns hold; null: nobody asked, and there are many.</param>
/// <param name="Skipped">Where the columns go on: how many come before; null at their end.</param>
public sealed record DatasetData(
    DataEntry Version, IReadOnlyList<DatasetColumn> Columns, int ColumnCount, IReadOnlyList<DatasetPart> Parts, IReadOnlyList<string> Tags,
    IReadOnlyList<string> Runs,
    IReadOnlyDictionary<string, long>? Dropped, TableStatistics? Statistics, int? Skipped)
{
    /// <summary>The first rows that were dropped, by reason.</summary>
    public IReadOnlyList<DroppedRows> DroppedRows { get; init; } = [];

    /// <summary>Where the runs go on in the API; left out where these are all.</summary>
    public string? MoreRuns { get; init; }
}

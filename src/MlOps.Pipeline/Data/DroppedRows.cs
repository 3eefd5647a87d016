using Azure;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Data;

/// <summary>
/// The first rows that a stage has dropped for a reason, as examples: at most <see cref="MostRows"/> a reason, of at most <see cref="MostReasons"/> reasons,
/// and of the reasons beyond these of the one whose row comes first.
/// They are data: they stand beside the dataset version, in its folder, and in no log, metric or record of a run.
/// </summary>
/// <param name="Reason">Why, such as <c>null: age</c>.</param>
/// <param name="Columns">The columns of the cells, at most <see cref="MostColumns"/>; none where the cells fit no header.</param>
/// <param name="Rows">The cells of each row, at most <see cref="LongestCell"/> characters of each; null: there is no value.</param>
public sealed record DroppedRows(string Reason, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string?>> Rows)
{
    /// <summary>Line of the file on which the first of all these rows starts, from 1; null where that is not known.</summary>
    public long? Line { get; init; }

    /// <summary>Rows a reason.</summary>
    public const int MostRows = 5;

    /// <summary>Reasons that have examples: those with the most rows.</summary>
    public const int MostReasons = 50;

    /// <summary>Cells of a row.</summary>
    public const int MostColumns = 50;

    /// <summary>Characters of a cell.</summary>
    public const int LongestCell = 100;

    /// <summary>Of rows that have another number of cells than the header.</summary>
    public const string Ragged = "wrong number of cells";

    /// <summary>A cell as it is kept.</summary>
    public static string? Cut(string? cell) => cell is null || cell.Length <= LongestCell
        ? cell
        : $"{cell.AsSpan(0, char.IsHighSurrogate(cell[LongestCell - 2]) ? LongestCell - 2 : LongestCell - 1)}…";

    /// <summary>The examples of several parts of a table: of each reason the first ones, in the order of the parts.</summary>
    /// <param name="parts">What each part has.</param>
    /// <param name="counts">How many rows were dropped, by reason.</param>
    public static IReadOnlyList<DroppedRows> Join(IEnumerable<DroppedRows> parts, IReadOnlyDictionary<string, long> counts)
    {
        var joined = parts.GroupBy(part => part.Reason, StringComparer.Ordinal)
            .OrderByDescending(reason => counts.GetValueOrDefault(reason.Key)).ThenBy(reason => reason.Key, StringComparer.Ordinal)
            .Select(reason => reason.First() with { Rows = [.. reason.SelectMany(part => part.Rows).Take(MostRows)] }).ToList();
        return [.. Kept(joined, rows => rows.Line ?? long.MaxValue)];
    }

    /// <summary>Those of which examples are kept.</summary>
    /// <param name="reasons">The most frequent first.</param>
    /// <param name="place">Where the first row of one stands.</param>
    public static IEnumerable<T> Kept<T>(IReadOnlyList<T> reasons, Func<T, long> place) =>
        reasons.Count <= MostReasons ? reasons : [.. reasons.Take(MostReasons), reasons.Skip(MostReasons).MinBy(place)!];

    /// <summary>Keeps examples beside a version that is about to be made. The same again is the same.</summary>
    public static Task SaveAsync(PipelineStorage storage, string dataset, IReadOnlyList<DroppedRows> examples, CancellationToken cancel) =>
        storage.Datasets.GetBlobClient(Blob(dataset)).UploadAsync(BinaryData.FromString(Json.Write(examples)), overwrite: true, cancel);

    /// <summary>The examples of a version; none where nothing was dropped, or by a release that kept none.</summary>
    public static async Task<IReadOnlyList<DroppedRows>> ReadAsync(PipelineStorage storage, DatasetManifest version, CancellationToken cancel)
    {
        if (version.Notes[DatasetNotes.DroppedRows]?.GetValue<string>() is not { } dataset)
        {
            return [];
        }
        try
        {
            var stored = await storage.Datasets.GetBlobClient(Blob(dataset)).DownloadContentAsync(cancel);
            return Json.Read<IReadOnlyList<DroppedRows>>(stored.Value.Content.ToString());
        }
        catch (RequestFailedException gone) when (gone.Status == 404)
        {
            // A copy in another account has the version, and not what was left out of it.
            return [];
        }
    }

    private static string Blob(string dataset) => $"{dataset}/dropped.json";
}

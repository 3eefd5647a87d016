using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Azure;
using Azure.Data.Tables;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Tracking;

/// <summary>
/// Which dataset versions a model has had, newest first, and which run had which. Written when a stage has made or found a version, before the stage's result
/// is recorded: no run that goes on with a version is missing from the log.
/// </summary>
/// <remarks>
/// Rows of a model's partition, written in one transaction: <c>a|{time}|{id}</c> (all) and <c>s|{stage}|{time}|{id}</c>, where later times come first,
/// <c>i|{id}</c>, and <c>u|{id}|{run}</c>, <c>r|{run}|{stage}</c> for the run, <c>f|{file}|{time}|{run}</c> for the file
/// that it read, <c>m|{version}|{time}|{run}</c> for the model version that it scored with; <c>p|{time}|{id}</c> for a version made of predictions;
/// <c>restored</c>. <see cref="DataTags"/> has its rows beside them.
/// </remarks>
public sealed class DataLog(PipelineStorage storage)
{
    private const string JsonColumn = "Json";
    private const string RestoredKey = "restored";
    private const string MadePrefix = "p|";
    private const int LargestPage = 1000;

    /// <summary>Notes that a run has a version. The same again is the same.</summary>
    /// <param name="run">The run.</param>
    /// <param name="stage">One of <see cref="DataEntry.Stages"/>.</param>
    /// <param name="version">The version.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task RecordAsync(Run run, string stage, DatasetManifest version, CancellationToken cancel)
    {
        var entry = DataEntry.Of(run, stage, version);
        var known = await FindAsync(run.Model, version.Id, cancel);
        // What was only scored so far is trained on now.
        var becomesRaw = known is { Stage: DataEntry.Input } && stage == "raw";
        var (json, use) = (Json.Write(entry), Json.Write(new DataUse(run.RunId, stage, version.Id)));
        // Where it is listed it stays: somebody may be just making it the newest again.
        IEnumerable<TableEntity> rows =
        [
            .. known?.Created == entry.Created && !becomesRaw
                ? Array.Empty<TableEntity>()
                : [Row(run.Model, AllKey(entry), json), Row(run.Model, StageKey(entry), json), Row(run.Model, IdKey(entry.Id), json)],
            Row(run.Model, $"u|{version.Id}|{run.RunId}", use), Row(run.Model, $"{RunPrefix(run.RunId)}{stage}", use),
            .. stage is "raw" or DataEntry.Input && StoredSource.IdOf(run.Source) is null ? new[] { Row(run.Model, FileKey(run), use) } : [],
            .. ScoredKey(run) is { } scored ? new[] { Row(run.Model, scored, use) } : [],
        ];
        await storage.DataVersions.SubmitTransactionAsync(
            rows.Select(row => new TableTransactionAction(TableTransactionActionType.UpsertReplace, row)), cancel);
        if (becomesRaw && known!.Created == entry.Created)
        {
            await RemoveAsync(run.Model, [StageKey(known)], cancel);
        }
        else if (known is not null && known.Created != entry.Created)
        {
            // It was collected and made again: the old place in the lists leads to the same version.
            await RemoveAsync(run.Model, [AllKey(known), StageKey(known)], cancel);
        }
    }

    /// <summary>Notes a raw version that no run has made. The same again is the same.</summary>
    /// <param name="model">The model.</param>
    /// <param name="version">The version.</param>
    /// <param name="source">What it was made of.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<DataEntry> RecordAsync(string model, DatasetManifest version, string source, CancellationToken cancel)
    {
        var known = await FindAsync(model, version.Id, cancel);
        if (known?.Created == version.Created)
        {
            // One that an earlier release has made is listed by this.
            await storage.DataVersions.UpsertEntityAsync(Row(model, MadeKey(known), Json.Write(known)), TableUpdateMode.Replace, cancel);
            return known;
        }
        var entry = DataEntry.Of(model, "raw", version, runId: "", source);
        var rows = new[] { AllKey(entry), StageKey(entry), IdKey(entry.Id), MadeKey(entry) }.Select(key => Row(model, key, Json.Write(entry)));
        await storage.DataVersions.SubmitTransactionAsync(
            rows.Select(row => new TableTransactionAction(TableTransactionActionType.UpsertReplace, row)), cancel);
        if (known is not null)
        {
            await RemoveAsync(model, [AllKey(known), StageKey(known), MadeKey(known)], cancel);
        }
        return entry;
    }

    /// <summary>Makes a raw version the newest again: in one transaction it has its new place in the lists, and is noted as restored.</summary>
    /// <returns>The version as it is listed now.</returns>
    public async Task<DataEntry> RestoreAsync(DataEntry version, RestoredData note, CancellationToken cancel)
    {
        while (true)
        {
            var found = (await storage.DataVersions.GetEntityAsync<TableEntity>(version.Model, IdKey(version.Id), cancellationToken: cancel)).Value;
            var before = EntryOf(found);
            var after = before with { Restored = note.At };
            var json = Json.Write(after);
            var isMoved = AllKey(before) != AllKey(after);
            IEnumerable<TableTransactionAction> rows =
            [
                new(TableTransactionActionType.UpdateReplace, Row(version.Model, IdKey(version.Id), json), found.ETag),
                new(TableTransactionActionType.UpsertReplace, Row(version.Model, AllKey(after), json)),
                new(TableTransactionActionType.UpsertReplace, Row(version.Model, StageKey(after), json)),
                new(TableTransactionActionType.UpsertReplace, Row(version.Model, RestoredKey, Json.Write(note))),
                .. isMoved
                    ? new[] { AllKey(before), StageKey(before) }.Select(
                        key => new TableTransactionAction(TableTransactionActionType.Delete, new TableEntity(version.Model, key), ETag.All))
                    : [],
            ];
            if (await storage.DataVersions.SubmitTransactionAsync(rows, cancel).WinsAsync())
            {
                return after;
            }
        }
    }

    /// <summary>What somebody restored last, or null.</summary>
    public async Task<RestoredData?> FindRestoredAsync(string model, CancellationToken cancel) =>
        await storage.DataVersions.GetEntityIfExistsAsync<TableEntity>(model, RestoredKey, cancellationToken: cancel) is { HasValue: true } found
            ? Json.Read<RestoredData>(found.Value!.GetString(JsonColumn))
            : null;

    /// <summary>What was restored last of every model.</summary>
    public async Task<IReadOnlyList<RestoredData>> ReadAllRestoredAsync(CancellationToken cancel)
    {
        var filter = TableClient.CreateQueryFilter($"RowKey eq {RestoredKey}");
        var found = new List<RestoredData>();
        await foreach (var row in storage.DataVersions.QueryAsync<TableEntity>(filter, cancellationToken: cancel))
        {
            found.Add(Json.Read<RestoredData>(row.GetString(JsonColumn)));
        }
        return found;
    }

    /// <summary>The model's version of that id, or null.</summary>
    public async Task<DataEntry?> FindAsync(string model, string id, CancellationToken cancel) =>
        await storage.DataVersions.GetEntityIfExistsAsync<TableEntity>(model, IdKey(id), cancellationToken: cancel) is { HasValue: true } found
            ? EntryOf(found.Value!)
            : null;

    /// <summary>The model's versions whose ids begin so, two at most.</summary>
    public async Task<IReadOnlyList<DataEntry>> FindByPrefixAsync(string model, string prefix, CancellationToken cancel)
    {
        var found = new List<DataEntry>();
        await foreach (var row in RangeAsync(model, IdKey(prefix), IdKey(prefix) + '}', 2, cancel))
        {
            found.Add(EntryOf(row));
            if (found.Count == 2)
            {
                break;
            }
        }
        return found;
    }

    /// <summary>The model's versions, newest first.</summary>
    /// <param name="model">The model.</param>
    /// <param name="stage">Only those of this stage; null: all.</param>
    /// <param name="take">At most so many.</param>
    /// <param name="next">What the page before said; null: the first page.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException"><paramref name="next"/> is no token of this list.</exception>
    public async Task<ListPage<DataEntry>> ListAsync(string model, string? stage, int take, string? next, CancellationToken cancel)
    {
        var prefix = stage is null ? "a|" : $"s|{stage}|";
        var found = new List<DataEntry>();
        await foreach (var row in RangeAsync(model, prefix + (next is null ? "" : PlaceOf(next)), EndOf(prefix), take + 1, cancel))
        {
            if (found.Count == take)
            {
                return new ListPage<DataEntry>(found, PageToken.Write(Place(found[^1])));
            }
            found.Add(EntryOf(row));
        }
        return new ListPage<DataEntry>(found, Next: null);
    }

    /// <summary>The versions that a run had.</summary>
    public Task<IReadOnlyList<DataUse>> ListOfRunAsync(string model, string runId, CancellationToken cancel) => UsesAsync(model, RunPrefix(runId), cancel);

    /// <summary>The runs that had a version.</summary>
    public Task<IReadOnlyList<DataUse>> ListRunsAsync(string model, string id, CancellationToken cancel) => UsesAsync(model, $"u|{id}|", cancel);

    /// <summary>The runs that had a version, in the order in which they were created, a page at a time.</summary>
    /// <param name="model">The model.</param>
    /// <param name="id">The version.</param>
    /// <param name="take">At most so many.</param>
    /// <param name="next">What the page before said; null: the first page.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException"><paramref name="next"/> is no token of this list.</exception>
    public async Task<ListPage<string>> ListRunsAsync(string model, string id, int take, string? next, CancellationToken cancel)
    {
        var after = next is null ? "" : PageToken.Read(next) is var place && RunId.ModelOf(place) == model ? place : throw PageToken.NoToken(next);
        var found = new List<string>();
        await foreach (var row in RangeAsync(model, $"u|{id}|{after}", EndOf($"u|{id}|"), take + 1, cancel))
        {
            if (found.Count == take)
            {
                return new ListPage<string>(found, PageToken.Write(found[^1]));
            }
            found.Add(UseOf(row).RunId);
        }
        return new ListPage<string>(found, Next: null);
    }

    /// <summary>The runs that read a file and made a dataset version of it, newest first.</summary>
    public Task<IReadOnlyList<string>> ListRunsOfFileAsync(string model, string source, int take, CancellationToken cancel) =>
        RunsAsync(model, FilePrefix(source), take, cancel);

    /// <summary>The runs that scored a table with a version of the model, newest first.</summary>
    /// <param name="model">The model.</param>
    /// <param name="version">The model version.</param>
    /// <param name="take">At most so many.</param>
    /// <param name="cancel">Stops it.</param>
    public Task<IReadOnlyList<string>> ListRunsScoredWithAsync(string model, int version, int take, CancellationToken cancel) =>
        RunsAsync(model, ScoredPrefix(version), take, cancel);

    /// <summary>The raw versions that no run has made, but predictions and what came true of them; newest first.</summary>
    /// <param name="model">The model.</param>
    /// <param name="take">At most so many.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<IReadOnlyList<DataEntry>> ListMadeAsync(string model, int take, CancellationToken cancel) =>
        await RangeAsync(model, MadePrefix, EndOf(MadePrefix), take, cancel).Take(take).Select(EntryOf).ToListAsync(cancel);

    /// <summary>After a run is gone. Its versions stay for as long as something else has them, or until they are collected.</summary>
    public async Task ForgetRunAsync(Run run, CancellationToken cancel)
    {
        foreach (var use in await ListOfRunAsync(run.Model, run.RunId, cancel))
        {
            await RemoveAsync(run.Model, [$"u|{use.Id}|{run.RunId}", $"{RunPrefix(run.RunId)}{use.Stage}"], cancel);
        }
        await RemoveAsync(run.Model, ScoredKey(run) is { } scored ? [FileKey(run), scored] : [FileKey(run)], cancel);
    }

    /// <summary>After versions are gone: of all models.</summary>
    /// <param name="mayBeGone">Whether a version is worth a look.</param>
    /// <param name="isGone">Whether it is gone.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task ForgetAsync(Func<string, bool> mayBeGone, Func<string, Task<bool>> isGone, CancellationToken cancel)
    {
        var filter = TableClient.CreateQueryFilter($"RowKey gt {"i|"} and RowKey lt {"i}"}");
        await foreach (var row in storage.DataVersions.QueryAsync<TableEntity>(filter, LargestPage, cancellationToken: cancel))
        {
            var entry = EntryOf(row);
            if (mayBeGone(entry.Id) && await isGone(entry.Id))
            {
                await ForgetAsync(entry, row.ETag, cancel);
            }
        }
    }

    /// <summary>
    /// In one transaction, if the version is still listed as it was read: a run that makes it again meanwhile lists it anew. What is too much for one
    /// transaction follows.
    /// </summary>
    private async Task ForgetAsync(DataEntry entry, ETag listed, CancellationToken cancel)
    {
        const int LargestTransaction = 100;
        var uses = await ListRunsAsync(entry.Model, entry.Id, cancel);
        IEnumerable<string> keys =
        [
            AllKey(entry), StageKey(entry), MadeKey(entry), .. uses.SelectMany(use => new[] { $"u|{use.Id}|{use.RunId}", RunPrefix(use.RunId) + use.Stage }),
        ];
        var all = keys.ToList();
        var rows = await FindKeysAsync(entry.Model, all.Take(LargestTransaction - 1), cancel);
        var transaction = rows.Select(key => new TableTransactionAction(TableTransactionActionType.Delete, new TableEntity(entry.Model, key), ETag.All))
            .Prepend(new TableTransactionAction(TableTransactionActionType.Delete, new TableEntity(entry.Model, IdKey(entry.Id)), listed));
        try
        {
            if (await storage.DataVersions.SubmitTransactionAsync(transaction, cancel).WinsAsync())
            {
                await RemoveAsync(entry.Model, all.Skip(LargestTransaction - 1), cancel);
            }
        }
        catch (RequestFailedException gone) when (gone.Status == 404)
        {
            // Somebody forgets it too; what is left is looked at the next time.
        }
    }

    private async Task<IReadOnlyList<string>> FindKeysAsync(string model, IEnumerable<string> keys, CancellationToken cancel)
    {
        var found = new List<string>();
        foreach (var key in keys)
        {
            if ((await storage.DataVersions.GetEntityIfExistsAsync<TableEntity>(model, key, ["RowKey"], cancel)).HasValue)
            {
                found.Add(key);
            }
        }
        return found;
    }

    /// <summary>What says that a list goes on after a version.</summary>
    internal static string TokenAfter(DataEntry version) => PageToken.Write(Place(version));

    private static string AllKey(DataEntry entry) => $"a|{Place(entry)}";

    private static string StageKey(DataEntry entry) => $"s|{entry.Stage}|{Place(entry)}";

    private static string IdKey(string id) => $"i|{id}";

    private static string FilePrefix(string source) => $"f|{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(source)))[..32]}|";

    private static string FileKey(Run run) => FilePrefix(run.Source) + Place(run);

    private static string ScoredPrefix(int version) => string.Create(CultureInfo.InvariantCulture, $"m|{version}|");

    /// <summary>Null for a run that scores nothing.</summary>
    private static string? ScoredKey(Run run) => run is { Goal: RunGoal.Score, Version: { } version } ? ScoredPrefix(version) + Place(run) : null;

    // By when it was made: where it is listed may change, this does not.
    private static string MadeKey(DataEntry entry) => MadePrefix + Place(entry with { Restored = null });

    private static string Place(Run run) => string.Create(
        CultureInfo.InvariantCulture, $"{DateTime.MaxValue.Ticks - run.Created.UtcTicks:D19}|{run.RunId}");

    private static string RunPrefix(string runId) => $"r|{runId}|";

    private static string Place(DataEntry entry) => string.Create(
        CultureInfo.InvariantCulture, $"{DateTime.MaxValue.Ticks - (entry.Restored ?? entry.Created).UtcTicks:D19}|{entry.Id}");

    private static string PlaceOf(string next) =>
        PageToken.Read(next) is var place && place.Split('|') is [{ Length: 19 } time, { Length: 32 } id] && time.All(char.IsAsciiDigit)
            && id.All(char.IsAsciiHexDigitLower)
            ? place
            : throw PageToken.NoToken(next);

    // No key has a character after '|' that comes after '}'.
    private static string EndOf(string prefix) => string.Concat(prefix.AsSpan(0, prefix.Length - 1), "}");

    private static TableEntity Row(string model, string key, string json) => new(model, key) { [JsonColumn] = json };

    private static DataEntry EntryOf(TableEntity row) => Json.Read<DataEntry>(row.GetString(JsonColumn));

    private static DataUse UseOf(TableEntity row) => Json.Read<DataUse>(row.GetString(JsonColumn));

    private async Task<IReadOnlyList<string>> RunsAsync(string model, string prefix, int take, CancellationToken cancel) =>
        await RangeAsync(model, prefix, EndOf(prefix), take, cancel).Take(take).Select(row => row.RowKey[(row.RowKey.LastIndexOf('|') + 1)..])
            .ToListAsync(cancel);

    private async Task<IReadOnlyList<DataUse>> UsesAsync(string model, string prefix, CancellationToken cancel)
    {
        var found = new List<DataUse>();
        await foreach (var row in RangeAsync(model, prefix, EndOf(prefix), LargestPage, cancel))
        {
            found.Add(UseOf(row));
        }
        return found;
    }

    private AsyncPageable<TableEntity> RangeAsync(string model, string after, string before, int take, CancellationToken cancel) =>
        storage.DataVersions.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"PartitionKey eq {model} and RowKey gt {after} and RowKey lt {before}"), Math.Min(take, LargestPage),
            cancellationToken: cancel);

    private async Task RemoveAsync(string model, IEnumerable<string> keys, CancellationToken cancel)
    {
        foreach (var key in keys)
        {
            await storage.DataVersions.DeleteEntityAsync(model, key, cancellationToken: cancel);
        }
    }
}

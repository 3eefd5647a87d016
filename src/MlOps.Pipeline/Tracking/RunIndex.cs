using System.Globalization;
using Azure;
using Azure.Data.Tables;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Tracking;

/// <summary>
/// Finds runs without reading all of them: those that have not ended, and the newest, of one model or of all. The rows of a run are written before the run's
/// own row, so that none can be missing, and go after it: whoever dies in between leaves rows that lead to no run, or to one that has ended. Readers look at
/// the run itself and pass these by.
/// </summary>
/// <remarks>
/// Partition <c>run</c> of table <c>indexes</c>, so that the rows of a run come in one transaction: <c>a|{time}|{run}</c> (all) and
/// <c>m|{model}|{time}|{run}</c>, where later times come first, and <c>u|{model}|{run}</c> with the run as it was (unfinished).
/// </remarks>
internal sealed class RunIndex(PipelineStorage storage)
{
    private const string Partition = "run";
    private const string All = "a|";
    private const string Unfinished = "u|";

    /// <summary>Before the run's row is written.</summary>
    public Task AddAsync(Run run, CancellationToken cancel) => storage.Indexes.SubmitTransactionAsync(
        RowsOf(run).Select(row => new TableTransactionAction(TableTransactionActionType.UpsertReplace, row)), cancel);

    /// <summary>A run that has not ended is another than it was. One that somebody has ended meanwhile stays ended.</summary>
    public async Task UpdateAsync(Run run, CancellationToken cancel)
    {
        try
        {
            await storage.Indexes.UpdateEntityAsync(UnfinishedRow(run), ETag.All, TableUpdateMode.Replace, cancel);
        }
        catch (RequestFailedException ended) when (ended.Status == 404)
        {
        }
    }

    /// <summary>After the run's row says that it has ended.</summary>
    public Task EndAsync(string model, string runId, CancellationToken cancel) =>
        storage.Indexes.DeleteEntityAsync(Partition, UnfinishedKey(model, runId), cancellationToken: cancel);

    /// <summary>After the run's row is gone.</summary>
    public async Task RemoveAsync(Run run, CancellationToken cancel)
    {
        await EndAsync(run.Model, run.RunId, cancel);
        await RemoveFromListsAsync(run, cancel);
    }

    /// <summary>Of a start that came to nothing, as there was such a run of another time.</summary>
    public async Task RemoveFromListsAsync(Run run, CancellationToken cancel)
    {
        await storage.Indexes.DeleteEntityAsync(Partition, ModelPrefix(run.Model) + Place(run), cancellationToken: cancel);
        await storage.Indexes.DeleteEntityAsync(Partition, All + Place(run), cancellationToken: cancel);
    }

    /// <summary>Runs that may not have ended, as they were when they were written here; of one model, or of all.</summary>
    public async Task<IReadOnlyList<Run>> ListUnfinishedAsync(string? model, CancellationToken cancel)
    {
        var found = new List<Run>();
        await foreach (var row in RangeAsync(model is null ? Unfinished : $"{Unfinished}{model}|", after: null, take: null, cancel))
        {
            found.Add(Stored.Read<Run>(row.GetString("Json")));
        }
        return found;
    }

    /// <summary>Where runs stand in a list, newest first.</summary>
    /// <param name="model">Only those of this model; null: of all.</param>
    /// <param name="after">The place after which to begin; null: at the beginning.</param>
    /// <param name="take">How many are wanted: the rest is not read.</param>
    /// <param name="cancel">Stops it.</param>
    public async IAsyncEnumerable<string> PlacesAsync(
        string? model, string? after, int take, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        var prefix = model is null ? All : ModelPrefix(model);
        await foreach (var row in RangeAsync(prefix, after, take, cancel))
        {
            yield return row.RowKey[prefix.Length..];
        }
    }

    /// <summary>All keys there are.</summary>
    public async Task<HashSet<string>> ReadKeysAsync(CancellationToken cancel)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var row in storage.Indexes.QueryAsync<TableEntity>(row => row.PartitionKey == Partition, select: ["RowKey"], cancellationToken: cancel))
        {
            found.Add(row.RowKey);
        }
        return found;
    }

    /// <summary>When a key was written; null when it is not there.</summary>
    public async Task<DateTimeOffset?> FindTimeAsync(string key, CancellationToken cancel) =>
        await storage.Indexes.GetEntityIfExistsAsync<TableEntity>(Partition, key, cancellationToken: cancel) is { HasValue: true } row
            ? row.Value!.Timestamp
            : null;

    /// <summary>Whether all keys are there under which a run has to be found.</summary>
    public async Task<bool> HasAllAsync(Run run, CancellationToken cancel)
    {
        foreach (var key in KeysOf(run))
        {
            if (await FindTimeAsync(key, cancel) is null)
            {
                return false;
            }
        }
        return true;
    }

    public Task RemoveKeyAsync(string key, CancellationToken cancel) => storage.Indexes.DeleteEntityAsync(Partition, key, cancellationToken: cancel);

    /// <summary>The keys under which a run has to be found.</summary>
    public static IEnumerable<string> KeysOf(Run run) => RowsOf(run).Select(row => row.RowKey);

    public static string RunIdOf(string key) => key[(key.LastIndexOf('|') + 1)..];

    /// <summary>Where a run stands in the lists.</summary>
    public static string Place(Run run) => PlaceOf(run.Created) + run.RunId;

    /// <summary>Before all runs of that time.</summary>
    public static string PlaceOf(DateTimeOffset created) => string.Create(
        CultureInfo.InvariantCulture, $"{DateTime.MaxValue.Ticks - created.UtcTicks:D19}|");

    private static string ModelPrefix(string model) => $"m|{model}|";

    private static string UnfinishedKey(string model, string runId) => $"{Unfinished}{model}|{runId}";

    private static TableEntity UnfinishedRow(Run run) => new(Partition, UnfinishedKey(run.Model, run.RunId)) { ["Json"] = Json.Write(run) };

    private static IEnumerable<TableEntity> RowsOf(Run run)
    {
        yield return new TableEntity(Partition, All + Place(run));
        yield return new TableEntity(Partition, ModelPrefix(run.Model) + Place(run));
        if (!run.HasEnded)
        {
            yield return UnfinishedRow(run);
        }
    }

    private AsyncPageable<TableEntity> RangeAsync(string prefix, string? after, int? take, CancellationToken cancel)
    {
        // No key has a character after '|' that comes after '}'.
        var end = string.Concat(prefix.AsSpan(0, prefix.Length - 1), "}");
        const int LargestPage = 1000;
        return storage.Indexes.QueryAsync<TableEntity>(
            TableClient.CreateQueryFilter($"PartitionKey eq {Partition} and RowKey gt {prefix + after} and RowKey lt {end}"),
            take is { } wanted ? Math.Min(wanted, LargestPage) : null, cancellationToken: cancel);
    }
}

using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Azure;
using Azure.Data.Tables;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Tracking;

/// <summary>Runs with their stage states, params, metrics and artifacts, in Azure Tables. Every write may happen twice.</summary>
public sealed class RunStore(PipelineStorage storage, TimeProvider time)
{
    private const int LargestTransaction = 100;
    private const int ReadAtOnce = 16;

    private readonly RunIndex index = new(storage);

    /// <summary>Runs that the index calls unfinished and that were seen to have a row.</summary>
    private readonly ConcurrentDictionary<string, bool> seen = new(StringComparer.Ordinal);

    /// <summary>Creates the run's row; false when it exists already.</summary>
    public async Task<bool> CreateAsync(Run run, CancellationToken cancel)
    {
        if (await FindAsync(run.RunId, cancel) is not null)
        {
            return false;
        }
        // The index first: a run that nobody finds would never be worked on. Killed in between, what finds it finds no run.
        await index.AddAsync(run, cancel);
        if (await storage.Runs.AddEntityAsync(ToEntity(run), cancel).WinsAsync())
        {
            return true;
        }
        // Another starter was faster, or this one's answer was lost.
        if (await FindAsync(run.RunId, cancel) is { } earlier)
        {
            await LeaveToAsync(earlier, run, cancel);
        }
        return false;
    }

    private async Task LeaveToAsync(Run earlier, Run mine, CancellationToken cancel)
    {
        if (RunIndex.Place(earlier) != RunIndex.Place(mine))
        {
            await index.RemoveFromListsAsync(mine, cancel);
        }
        if (earlier.HasEnded)
        {
            await index.EndAsync(earlier.Model, earlier.RunId, cancel);
        }
        else
        {
            await index.UpdateAsync(earlier, cancel);
        }
    }

    /// <summary>The run's own row, or null.</summary>
    public async Task<Run?> FindAsync(string runId, CancellationToken cancel)
    {
        if (RunId.ModelOf(runId) is not { } model)
        {
            return null;
        }
        var entity = await storage.Runs.GetEntityIfExistsAsync<TableEntity>(model, runId, cancellationToken: cancel);
        return entity.HasValue ? FromEntity(entity.Value!) : null;
    }

    /// <summary>
    /// A run ends inside its last stage, whose own end is written after: a host that dies between the two, or that storage does not answer there, has left
    /// nothing undone. Only that stage makes a run succeed or be blocked.
    /// </summary>
    private static bool IsDone(Run run, StageStatus last) =>
        last.State == StageState.Running || (last.State == StageState.Failed && run.State is RunState.Succeeded or RunState.Blocked);

    /// <summary>The run with all that it logged, or null.</summary>
    public async Task<RunDetails?> FindDetailsAsync(string runId, CancellationToken cancel)
    {
        if (await FindAsync(runId, cancel) is not { } run)
        {
            return null;
        }
        var stages = new List<StageStatus>();
        var parameters = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var metrics = new SortedDictionary<string, double>(StringComparer.Ordinal);
        var artifacts = new List<Artifact>();
        var alerts = new List<Alert>();
        await foreach (var entity in storage.RunRecords.QueryAsync<TableEntity>(row => row.PartitionKey == runId, cancellationToken: cancel))
        {
            switch (entity.RowKey[..entity.RowKey.IndexOf('|', StringComparison.Ordinal)])
            {
                case "stage":
                    stages.Add(Json.Read<StageStatus>(entity.GetString("Json")));
                    break;
                case "param":
                    parameters[entity.GetString("Name")] = entity.GetString("Value");
                    break;
                case "metric":
                    metrics[entity.GetString("Name")] = entity.GetDouble("Value") ?? double.NaN;
                    break;
                case "artifact":
                    artifacts.Add(Json.Read<Artifact>(entity.GetString("Json")));
                    break;
                case AlertStore.RowKind:
                    alerts.Add(Json.Read<Alert>(entity.GetString("Json")));
                    break;
                default:
                    break;
            }
        }
        alerts.Sort((a, b) => a.At.CompareTo(b.At));
        stages.Sort((a, b) => Nullable.Compare(a.Started, b.Started));
        if (run.HasEnded && stages.FindIndex(stage => stage.Stage == StageStatus.Last && IsDone(run, stage)) is >= 0 and var last)
        {
            var stage = stages[last];
            stages[last] = stage with
            {
                State = StageState.Succeeded,
                Ended = run.Ended,
                Seconds = stage.Seconds ?? (run.Ended - stage.Started)?.TotalSeconds,
                Error = null,
            };
        }
        return new RunDetails(run, stages, parameters, metrics, artifacts, alerts);
    }

    /// <summary>The newest runs, newest first; of one model, or of all.</summary>
    public async Task<IReadOnlyList<Run>> ListAsync(string? model, int take, CancellationToken cancel) =>
        (await ListAsync(model, take, next: null, cancel)).Items;

    /// <summary>Runs, newest first; of one model, or of all.</summary>
    /// <param name="model">Only those of this model; null: of all.</param>
    /// <param name="take">At most so many.</param>
    /// <param name="next">What the page before said; null: the first page.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException"><paramref name="next"/> is no token of this list.</exception>
    public Task<ListPage<Run>> ListAsync(string? model, int take, string? next, CancellationToken cancel) =>
        ListAfterAsync(model, take, next is null ? null : PlaceOf(next), cancel);

    /// <summary>Runs that were created before a time, newest first.</summary>
    /// <param name="before">That time.</param>
    /// <param name="take">At most so many.</param>
    /// <param name="next">What the page before said; null: the first page.</param>
    /// <param name="cancel">Stops it.</param>
    public Task<ListPage<Run>> ListBeforeAsync(DateTimeOffset before, int take, string? next, CancellationToken cancel) =>
        ListAfterAsync(model: null, take, next is null ? RunIndex.PlaceOf(before) : PlaceOf(next), cancel);

    private async Task<ListPage<Run>> ListAfterAsync(string? model, int take, string? after, CancellationToken cancel)
    {
        var runs = new List<Run>();
        while (true)
        {
            // One more, to know whether there is more.
            var wanted = (int)Math.Min(take - runs.Count + 1L, int.MaxValue);
            var places = await index.PlacesAsync(model, after, wanted, cancel).Take(wanted).ToListAsync(cancel);
            var hasMore = places.Count > take - runs.Count;
            var page = hasMore ? places[..^1] : places;
            foreach (var some in page.Chunk(ReadAtOnce))
            {
                var found = await Task.WhenAll(some.Select(place => FindAsync(RunIndex.RunIdOf(place), cancel)));
                // A place may lead to no run: see the index.
                runs.AddRange(found.Zip(some).Where(pair => pair.First is { } run && RunIndex.Place(run) == pair.Second).Select(pair => pair.First!));
            }
            after = page.Count > 0 ? page[^1] : after;
            if (!hasMore || runs.Count == take)
            {
                return new ListPage<Run>(runs, hasMore ? PageToken.Write(after!) : null);
            }
        }
    }

    private static string PlaceOf(string next) =>
        PageToken.Read(next) is var place && place.Split('|') is [{ Length: 19 } time, { Length: > 0 }] && time.All(char.IsAsciiDigit)
            ? place
            : throw PageToken.NoToken(next);

    /// <summary>All runs, one after the other, in no order.</summary>
    public IAsyncEnumerable<Run> ReadAllAsync(CancellationToken cancel) => ReadAllAsync((_, why) => ExceptionDispatchInfo.Throw(why), cancel);

    /// <inheritdoc cref="ReadAllAsync(CancellationToken)"/>
    /// <param name="unreadable">Told the id of each run whose row cannot be read, and why; it is passed by.</param>
    /// <param name="cancel">Stops it.</param>
    public async IAsyncEnumerable<Run> ReadAllAsync(Action<string, Exception> unreadable, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var entity in storage.Runs.QueryAsync<TableEntity>(cancellationToken: cancel))
        {
            if (Stored.TryRead(() => FromEntity(entity), fault => unreadable(entity.RowKey, fault)) is { } run)
            {
                yield return run;
            }
        }
    }

    /// <summary>Whether a run works, or has been created since.</summary>
    public async Task<bool> HasWorkedSinceAsync(DateTimeOffset since, CancellationToken cancel) =>
        (await ListUnfinishedAsync(cancel)).Count > 0 || (await ListAsync(model: null, take: 1, cancel)) is [var newest] && newest.Created >= since;

    /// <summary>Runs that have not ended, oldest first: what an engine takes up again after a crash.</summary>
    public Task<IReadOnlyList<Run>> ListUnfinishedAsync(CancellationToken cancel) => ListUnfinishedAsync(model: null, cancel);

    /// <inheritdoc cref="ListUnfinishedAsync(CancellationToken)"/>
    /// <param name="model">Only those of this model; null: of all.</param>
    /// <param name="cancel">Stops the search.</param>
    /// <remarks>
    /// What is in the way of others is to be looked at again (<see cref="IsUnfinishedAsync"/>): whoever ended a run may have died before the index knew.
    /// </remarks>
    public async Task<IReadOnlyList<Run>> ListUnfinishedAsync(string? model, CancellationToken cancel)
    {
        var listed = await index.ListUnfinishedAsync(model, cancel);
        var runs = new List<Run>();
        foreach (var some in listed.Chunk(ReadAtOnce))
        {
            var are = await Task.WhenAll(some.Select(run => seen.ContainsKey(run.RunId) ? Task.FromResult(true) : IsUnfinishedAsync(run, cancel)));
            runs.AddRange(some.Where((_, i) => are[i]));
        }
        if (model is null)
        {
            Forget(listed);
        }
        return [.. runs.OrderBy(run => run.Created)];
    }

    /// <summary>Whether a listed run has really not ended. One that has is not listed again.</summary>
    public async Task<bool> IsUnfinishedAsync(Run listed, CancellationToken cancel)
    {
        var run = await FindAsync(listed.RunId, cancel);
        if (run is { HasEnded: false })
        {
            seen[run.RunId] = true;
            return true;
        }
        if (run is not null || seen.ContainsKey(listed.RunId))
        {
            // It has ended, or was deleted after that. A run that was never seen may be about to be created.
            await index.EndAsync(listed.Model, listed.RunId, cancel);
        }
        return false;
    }

    private void Forget(IReadOnlyList<Run> listed)
    {
        var ids = listed.Select(run => run.RunId).ToHashSet(StringComparer.Ordinal);
        foreach (var ended in seen.Keys.Where(id => !ids.Contains(id)).ToList())
        {
            seen.TryRemove(ended, out _);
        }
    }

    /// <summary>Changes a run's row in one conditional write; re-reads and applies <paramref name="change"/> again when another writer was faster.</summary>
    public async Task<Run> UpdateAsync(string runId, Func<Run, Run> change, CancellationToken cancel)
    {
        var model = RunId.ModelOf(runId) ?? throw new ArgumentException($"'{runId}' is no run id.", nameof(runId));
        while (true)
        {
            var entity = (await storage.Runs.GetEntityAsync<TableEntity>(model, runId, cancellationToken: cancel)).Value;
            var changed = change(FromEntity(entity));
            if (await storage.Runs.UpdateEntityAsync(ToEntity(changed), entity.ETag, TableUpdateMode.Replace, cancel).WinsAsync())
            {
                await FollowAsync(changed, cancel);
                return changed;
            }
        }
    }

    /// <summary>
    /// Compares the index with all runs: runs that it does not lead to, and its keys that lead to none. Runs that cannot be read are passed by.
    /// </summary>
    public async Task<IndexGaps> CompareIndexAsync(CancellationToken cancel)
    {
        // The keys first: a run that comes after they were read has its own before itself.
        var keys = await index.ReadKeysAsync(cancel);
        var missing = new List<string>();
        await foreach (var run in ReadAllAsync((_, _) => { }, cancel))
        {
            var isWhole = true;
            foreach (var key in RunIndex.KeysOf(run))
            {
                isWhole &= keys.Remove(key);
            }
            if (!isWhole && await FindAsync(run.RunId, cancel) is { } now && !await index.HasAllAsync(now, cancel))
            {
                missing.Add(run.RunId);
            }
        }
        return new IndexGaps(missing, [.. keys]);
    }

    /// <summary>Adds the runs that are missing, and removes keys that lead nowhere.</summary>
    /// <param name="gaps">What was found.</param>
    /// <param name="settled">A key that was written since may lead to a run that is just coming.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task RepairIndexAsync(IndexGaps gaps, DateTimeOffset settled, CancellationToken cancel)
    {
        foreach (var runId in gaps.Missing)
        {
            if (await FindAsync(runId, cancel) is { } run)
            {
                await index.AddAsync(run, cancel);
                await IsUnfinishedAsync(run, cancel);
            }
        }
        foreach (var key in gaps.Stale)
        {
            if (await index.FindTimeAsync(key, cancel) < settled
                && (await FindAsync(RunIndex.RunIdOf(key), cancel) is not { } run || !RunIndex.KeysOf(run).Contains(key)))
            {
                await index.RemoveKeyAsync(key, cancel);
            }
        }
    }

    /// <summary>
    /// The index after the row: killed in between, it names a run as unfinished that has ended, and whoever takes that up sees it. Of what a run is while it
    /// has not ended only its goal matters to others.
    /// </summary>
    private Task FollowAsync(Run changed, CancellationToken cancel) => changed switch
    {
        { HasEnded: true } => index.EndAsync(changed.Model, changed.RunId, cancel),
        { Goal: RunGoal.Dataset } => index.UpdateAsync(changed, cancel),
        _ => Task.CompletedTask,
    };

    /// <summary>
    /// Deletes all that a run logged, and then the run: until then it is found, so that a deletion that broke off can be asked for again. False when there is
    /// no such run.
    /// </summary>
    public async Task<bool> DeleteAsync(string runId, CancellationToken cancel)
    {
        if (await FindAsync(runId, cancel) is not { } run)
        {
            return false;
        }
        await DeleteRecordsAsync(runId, cancel);
        var isOwn = (await storage.Runs.DeleteEntityAsync(run.Model, runId, cancellationToken: cancel)).Status != 404;
        // The index last, as ever: what is left of it leads to no run.
        await index.RemoveAsync(run, cancel);
        return isOwn;
    }

    /// <summary>Deletes all that was logged under a run's id.</summary>
    public async Task DeleteRecordsAsync(string runId, CancellationToken cancel)
    {
        // Somebody else's deletion of the same may come in between: what is left is looked for again.
        while (!await TryDeleteRecordsAsync(runId, cancel))
        {
        }
    }

    private async Task<bool> TryDeleteRecordsAsync(string runId, CancellationToken cancel)
    {
        var rows = new List<TableTransactionAction>();
        await foreach (var row in storage.RunRecords.QueryAsync<TableEntity>(
            row => row.PartitionKey == runId, select: ["PartitionKey", "RowKey"], cancellationToken: cancel))
        {
            rows.Add(new TableTransactionAction(TableTransactionActionType.Delete, new TableEntity(runId, row.RowKey) { ETag = ETag.All }));
        }
        try
        {
            foreach (var some in rows.Chunk(LargestTransaction))
            {
                await storage.RunRecords.SubmitTransactionAsync(some, cancel);
            }
            return true;
        }
        catch (RequestFailedException gone) when (gone.Status == 404)
        {
            return false;
        }
    }

    public Task<Run> MarkEndedAsync(string runId, RunState state, string? error, CancellationToken cancel) => UpdateAsync(
        runId, run => run.HasEnded ? run : run with { State = state, Error = error, Ended = time.GetUtcNow() }, cancel);

    /// <summary>After a cancellation or a broken orchestration: no stage is left that looks as if it still ran.</summary>
    public async Task CloseStagesAsync(string runId, string error, CancellationToken cancel)
    {
        foreach (var stage in (await FindDetailsAsync(runId, cancel))?.Stages.Where(stage => stage.State == StageState.Running) ?? [])
        {
            await LogStageAsync(runId, stage with { State = StageState.Failed, Ended = time.GetUtcNow(), Error = error }, cancel);
        }
    }

    public Task LogStageAsync(string runId, StageStatus status, CancellationToken cancel) =>
        WriteAsync(runId, StageRow(status.Stage, status.Key), new() { ["Json"] = Json.Write(status) }, cancel);

    public async Task<StageStatus?> FindStageAsync(string runId, string stage, string key, CancellationToken cancel)
    {
        var entity = await FindAsync(runId, StageRow(stage, key), cancel);
        return entity is null ? null : Json.Read<StageStatus>(entity.GetString("Json"));
    }

    /// <summary>
    /// Records a finished stage's result, so that the run does not do it again, and its state: both or neither. The first result stays, and is
    /// returned.
    /// </summary>
    public async Task<string> RecordResultAsync(string runId, StageStatus status, string resultJson, CancellationToken cancel)
    {
        TableTransactionAction[] both =
        [
            new(TableTransactionActionType.Add, new TableEntity(runId, ResultRow(status.Stage, status.Key)) { ["Json"] = resultJson }),
            new(TableTransactionActionType.UpsertReplace, new TableEntity(runId, StageRow(status.Stage, status.Key)) { ["Json"] = Json.Write(status) }),
        ];
        if (await storage.RunRecords.SubmitTransactionAsync(both, cancel).WinsAsync())
        {
            return resultJson;
        }
        await LogStageAsync(runId, status, cancel);
        return await FindResultAsync(runId, status.Stage, status.Key, cancel) ?? resultJson;
    }

    /// <summary>The recorded result of a finished stage, or null.</summary>
    public async Task<string?> FindResultAsync(string runId, string stage, string key, CancellationToken cancel) =>
        (await FindAsync(runId, ResultRow(stage, key), cancel))?.GetString("Json");

    public Task LogParamsAsync(string runId, IReadOnlyDictionary<string, string> parameters, CancellationToken cancel) => WriteManyAsync(
        runId, parameters.Select(p => ("param|" + TableKeys.Escape(p.Key), new Dictionary<string, object> { ["Name"] = p.Key, ["Value"] = p.Value })), cancel);

    public Task LogMetricsAsync(string runId, IReadOnlyDictionary<string, double> metrics, CancellationToken cancel) => WriteManyAsync(
        runId, metrics.Select(m => ("metric|" + TableKeys.Escape(m.Key), new Dictionary<string, object> { ["Name"] = m.Key, ["Value"] = m.Value })), cancel);

    public Task LogArtifactsAsync(string runId, IEnumerable<Artifact> artifacts, CancellationToken cancel) => WriteManyAsync(
        runId, artifacts.Select(a => ("artifact|" + TableKeys.Escape(a.Path), new Dictionary<string, object> { ["Json"] = Json.Write(a) })), cancel);

    public async Task<Artifact?> FindArtifactAsync(string runId, string path, CancellationToken cancel)
    {
        var entity = await FindAsync(runId, "artifact|" + TableKeys.Escape(path), cancel);
        return entity is null ? null : Json.Read<Artifact>(entity.GetString("Json"));
    }

    private static string StageRow(string stage, string key) => $"stage|{stage}|{TableKeys.Escape(key)}";

    private static string ResultRow(string stage, string key) => $"result|{stage}|{TableKeys.Escape(key)}";

    private async Task<TableEntity?> FindAsync(string runId, string row, CancellationToken cancel)
    {
        var entity = await storage.RunRecords.GetEntityIfExistsAsync<TableEntity>(runId, row, cancellationToken: cancel);
        return entity.HasValue ? entity.Value : null;
    }

    private Task WriteAsync(string runId, string row, Dictionary<string, object> values, CancellationToken cancel) =>
        storage.RunRecords.UpsertEntityAsync(new TableEntity(values) { PartitionKey = runId, RowKey = row }, TableUpdateMode.Replace, cancel);

    private async Task WriteManyAsync(string runId, IEnumerable<(string Row, Dictionary<string, object> Values)> rows, CancellationToken cancel)
    {
        foreach (var chunk in rows.Chunk(LargestTransaction))
        {
            var actions = chunk.Select(row => new TableTransactionAction(
                TableTransactionActionType.UpsertReplace, new TableEntity(row.Values) { PartitionKey = runId, RowKey = row.Row }));
            await storage.RunRecords.SubmitTransactionAsync(actions, cancel);
        }
    }

    private static TableEntity ToEntity(Run run) => new(run.Model, run.RunId)
    {
        ["Json"] = Json.Write(run),
        ["State"] = run.State.ToString(),
        ["Ended"] = run.HasEnded,
    };

    private static Run FromEntity(TableEntity entity) => Stored.Read<Run>(entity.GetString("Json"));
}

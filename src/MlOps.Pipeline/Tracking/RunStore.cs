using Azure.Data.Tables;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Tracking;

/// <summary>Runs with their stage states, params, metrics and artifacts, in Azure Tables. Every write may happen twice.</summary>
public sealed class RunStore(PipelineStorage storage, TimeProvider time)
{
    /// <summary>Creates the run's row; false when it exists already.</summary>
    public Task<bool> CreateAsync(Run run, CancellationToken cancel) => storage.Runs.AddEntityAsync(ToEntity(run), cancel).WinsAsync();

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
        if (run.HasEnded && stages.FindIndex(stage => stage is { Stage: StageStatus.Last, State: StageState.Running }) is >= 0 and var last)
        {
            // A run ends inside its last stage, whose own end is written after: a host that dies between the two has left nothing undone.
            stages[last] = stages[last] with { State = StageState.Succeeded, Ended = run.Ended };
        }
        return new RunDetails(run, stages, parameters, metrics, artifacts, alerts);
    }

    /// <summary>Runs, newest first; of one model, or of all.</summary>
    public async Task<IReadOnlyList<Run>> ListAsync(string? model, int take, CancellationToken cancel)
    {
        var filter = model is null ? null : TableClient.CreateQueryFilter($"PartitionKey eq {model}");
        var runs = new List<Run>();
        await foreach (var entity in storage.Runs.QueryAsync<TableEntity>(filter, cancellationToken: cancel))
        {
            runs.Add(FromEntity(entity));
        }
        return [.. runs.OrderByDescending(run => run.Created).Take(take)];
    }

    /// <summary>Runs that have not ended, oldest first: what an engine takes up again after a crash.</summary>
    public Task<IReadOnlyList<Run>> ListUnfinishedAsync(CancellationToken cancel) => ListUnfinishedAsync(model: null, cancel);

    /// <inheritdoc cref="ListUnfinishedAsync(CancellationToken)"/>
    /// <param name="model">Only those of this model; null: of all.</param>
    /// <param name="cancel">Stops the search.</param>
    public async Task<IReadOnlyList<Run>> ListUnfinishedAsync(string? model, CancellationToken cancel)
    {
        var filter = model is null ? "Ended eq false" : TableClient.CreateQueryFilter($"PartitionKey eq {model} and Ended eq false");
        var runs = new List<Run>();
        await foreach (var entity in storage.Runs.QueryAsync<TableEntity>(filter, cancellationToken: cancel))
        {
            runs.Add(FromEntity(entity));
        }
        return [.. runs.OrderBy(run => run.Created)];
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
                return changed;
            }
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
        const int LargestTransaction = 100;
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

using System.Globalization;
using Azure.Data.Tables;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Stages.Train;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Orchestration;

/// <summary>What a run has to do with <see cref="TrainingPermits"/>.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Candidates">Candidates of it: all that wait, or those whose permits are given back.</param>
public sealed record PermitRequest(string RunId, IReadOnlyList<string> Candidates);

/// <summary>
/// Lets no more candidates of all runs train at once than <see cref="PipelineOptions.MostTrainingsTogether"/>, where many machines take stages from one
/// queue: trainings, which last, would else take every place there is, and whatever is quick would wait for them. Who has waited longer comes first. Permits
/// stand in storage and are changed by conditional writes only. One that nobody gives back is free as soon as its run has ended, however it ended.
/// </summary>
public sealed class TrainingPermits(RunStore runs, PipelineStorage storage, PipelineOptions options, TimeProvider time)
{
    private const string Partition = MarkKinds.Training;
    private const string WaitPrefix = "wait|";

    /// <summary>A run that has not asked for so long waits no more: it was cancelled, or its instance is gone.</summary>
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Takes permits for as many of the waiting candidates as there are, and names these; those that have a permit already, or have been trained, are among
    /// them.
    /// </summary>
    public async Task<IReadOnlyList<string>> TakeAsync(PermitRequest request, CancellationToken cancel)
    {
        var (runId, candidates) = request;
        var rows = (await ListAsync(cancel)).ToDictionary(row => row.RowKey);
        var permitted = candidates.Where(candidate => rows.Values.Any(row => IsOf(row, runId, candidate))).ToList();
        var waiting = new Queue<string>(candidates.Except(permitted));
        var ended = new Dictionary<string, bool>();
        var left = await CountBeforeAsync(rows.Values, runId);
        for (var place = 0; place < Math.Max(1, options.MostTrainingsTogether) && waiting.TryPeek(out var candidate); place++)
        {
            var holder = rows.GetValueOrDefault(NameOf(place));
            if (holder is not null && !await HasEndedAsync(RunOf(holder)))
            {
                continue;
            }
            if (left > 0)
            {
                left--;
                continue;
            }
            // Of a request that comes a second time, and late: nobody would give the permit back.
            while (waiting.TryPeek(out candidate) && await IsTrainedAsync(candidate))
            {
                permitted.Add(waiting.Dequeue());
            }
            if (candidate is null)
            {
                break;
            }
            var taken = new TableEntity(Partition, NameOf(place)) { ["RunId"] = runId, ["Candidate"] = candidate };
            var isOurs = await (holder is null
                ? storage.Marks.AddEntityAsync(taken, cancel)
                : storage.Marks.UpdateEntityAsync(taken, holder.ETag, TableUpdateMode.Replace, cancel)).WinsAsync();
            if (isOurs)
            {
                permitted.Add(waiting.Dequeue());
            }
        }
        await NoteAsync(rows.GetValueOrDefault(WaitPrefix + runId), runId, waiting.Count, cancel);
        return permitted;

        async Task<bool> IsTrainedAsync(string candidate) => await runs.FindResultAsync(runId, TrainStage.Name, candidate, cancel) is not null;

        async Task<bool> HasEndedAsync(string of) => ended.TryGetValue(of, out var known)
            ? known
            : ended[of] = await runs.FindAsync(of, cancel) is not { HasEnded: false };

        // Places that are free belong to those who came before, until they ask.
        async Task<int> CountBeforeAsync(IEnumerable<TableEntity> all, string own)
        {
            var since = rows.GetValueOrDefault(WaitPrefix + own)?.GetDateTimeOffset("Since") ?? time.GetUtcNow();
            var before = 0;
            foreach (var row in all.Where(row => row.RowKey.StartsWith(WaitPrefix, StringComparison.Ordinal) && RunOf(row) != own
                && (time.GetUtcNow() - row.GetDateTimeOffset("Asked")!.Value).Duration() < Forgotten
                && (row.GetDateTimeOffset("Since")!.Value, RunOf(row)).CompareTo((since, own)) < 0))
            {
                before += await HasEndedAsync(RunOf(row)) ? 0 : row.GetInt32("Candidates")!.Value;
            }
            return before;
        }
    }

    /// <summary>Frees the permits of candidates; without one, nothing is done.</summary>
    public async Task GiveBackAsync(string runId, IReadOnlyList<string> candidates, CancellationToken cancel)
    {
        foreach (var row in (await ListAsync(cancel)).Where(row => candidates.Any(candidate => IsOf(row, runId, candidate))))
        {
            await storage.Marks.DeleteEntityAsync(row, row.ETag, cancel).WinsAsync();
        }
    }

    /// <summary>Since when a run waits, and for how many: only it writes that.</summary>
    private async Task NoteAsync(TableEntity? noted, string runId, int candidates, CancellationToken cancel)
    {
        if (candidates > 0)
        {
            var now = time.GetUtcNow();
            await storage.Marks.UpsertEntityAsync(
                new TableEntity(Partition, WaitPrefix + runId)
                {
                    ["RunId"] = runId,
                    ["Since"] = noted?.GetDateTimeOffset("Since") ?? now,
                    ["Asked"] = now,
                    ["Candidates"] = candidates,
                },
                TableUpdateMode.Replace,
                cancel);
        }
        else if (noted is not null)
        {
            await storage.Marks.DeleteEntityAsync(Partition, WaitPrefix + runId, cancellationToken: cancel);
        }
    }

    private async Task<IReadOnlyList<TableEntity>> ListAsync(CancellationToken cancel)
    {
        var rows = new List<TableEntity>();
        await foreach (var row in storage.Marks.QueryAsync<TableEntity>(row => row.PartitionKey == Partition, cancellationToken: cancel))
        {
            rows.Add(row);
        }
        return rows;
    }

    private static string NameOf(int place) => place.ToString("D4", CultureInfo.InvariantCulture);

    private static string RunOf(TableEntity row) => row.GetString("RunId");

    private static bool IsOf(TableEntity row, string runId, string candidate) => RunOf(row) == runId && row.GetString("Candidate") == candidate;
}

using System.Globalization;
using Azure.Data.Tables;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Orchestration;

/// <summary>What a run asks of <see cref="TrainingPermits"/>.</summary>
/// <param name="RunId">The run.</param>
/// <param name="Waiting">Candidates that it would train.</param>
/// <param name="Ended">Candidates of it that are trained, or have failed for good.</param>
public sealed record PermitRequest(string RunId, IReadOnlyList<string> Waiting, IReadOnlyList<string> Ended);

/// <summary>
/// Lets no more candidates of all runs train at once than <see cref="PipelineOptions.MostTrainingsTogether"/>, where many machines take stages from one
/// queue: trainings, which last, would else take every place there is, and whatever is quick would wait for them. Permits stand in storage and are changed by
/// conditional writes only. One that nobody gives back is free as soon as its run has ended, however it ended.
/// </summary>
public sealed class TrainingPermits(RunStore runs, PipelineStorage storage, PipelineOptions options)
{
    private const string Partition = MarkKinds.Training;

    /// <summary>Takes permits for as many of the waiting candidates as there are, and names these; those that have a permit already are among them.</summary>
    public async Task<IReadOnlyList<string>> TakeAsync(PermitRequest request, CancellationToken cancel)
    {
        foreach (var candidate in request.Ended)
        {
            await GiveBackAsync(request.RunId, candidate, cancel);
        }
        var rows = (await ListAsync(cancel)).ToDictionary(row => row.RowKey);
        var permitted = request.Waiting.Where(candidate => rows.Values.Any(row => IsOf(row, request.RunId, candidate))).ToList();
        var waiting = new Queue<string>(request.Waiting.Except(permitted));
        var hasEnded = new Dictionary<string, bool>();
        for (var place = 0; place < Math.Max(1, options.MostTrainingsTogether) && waiting.TryPeek(out var candidate); place++)
        {
            var holder = rows.GetValueOrDefault(NameOf(place));
            if (holder is null || await HasEndedAsync(RunOf(holder)))
            {
                var taken = new TableEntity(Partition, NameOf(place)) { ["RunId"] = request.RunId, ["Candidate"] = candidate };
                var isOurs = await (holder is null
                    ? storage.Marks.AddEntityAsync(taken, cancel)
                    : storage.Marks.UpdateEntityAsync(taken, holder.ETag, TableUpdateMode.Replace, cancel)).WinsAsync();
                if (isOurs)
                {
                    permitted.Add(waiting.Dequeue());
                }
            }
        }
        return permitted;

        async Task<bool> HasEndedAsync(string runId) => hasEnded.TryGetValue(runId, out var known)
            ? known
            : hasEnded[runId] = await runs.FindAsync(runId, cancel) is not { HasEnded: false };
    }

    /// <summary>Frees a candidate's permit; without one, nothing is done.</summary>
    public async Task GiveBackAsync(string runId, string candidate, CancellationToken cancel)
    {
        foreach (var row in (await ListAsync(cancel)).Where(row => IsOf(row, runId, candidate)))
        {
            await storage.Marks.DeleteEntityAsync(row, row.ETag, cancel).WinsAsync();
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

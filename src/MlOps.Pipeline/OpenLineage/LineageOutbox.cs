using Azure;
using Azure.Data.Tables;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.OpenLineage;

/// <summary>
/// Runs of which a receiver has still to be told something, and what was told. The row of a run is written before the run itself, and goes when its end was
/// told: whoever dies anywhere leaves it to the next. What was told stands among the run's own records.
/// </summary>
/// <remarks>Partition <c>openlineage</c> of table <c>indexes</c>, a row a run; <c>openlineage|{moment}</c> among the run's records.</remarks>
public sealed class LineageOutbox(PipelineStorage storage, OpenLineageOptions options)
{
    private const string Partition = "openlineage";
    private const string RecordPrefix = "openlineage|";
    private const string Claimed = "ClaimedUntil";
    private const string Begun = "Begun";
    private const int LargestPage = 1000;

    /// <summary>Beyond what two answers may take: what storage takes.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(1);

    /// <summary>Who has not told of a run after this time is dead.</summary>
    private TimeSpan ClaimLasts => (2 * options.Timeout) + Grace;

    /// <summary>Before a run's row is written. Nothing is noted where nobody is told.</summary>
    public async Task AddAsync(string runId, CancellationToken cancel)
    {
        if (options.Endpoint is not null)
        {
            await storage.Indexes.UpsertEntityAsync(new TableEntity(Partition, runId), TableUpdateMode.Merge, cancel);
        }
    }

    /// <summary>Runs of which something may have to be told; not those that somebody is just telling.</summary>
    internal async Task<IReadOnlyList<WaitingRun>> ReadAsync(DateTimeOffset now, CancellationToken cancel)
    {
        var found = new List<WaitingRun>();
        await foreach (var row in storage.Indexes.QueryAsync<TableEntity>(row => row.PartitionKey == Partition, LargestPage, cancellationToken: cancel))
        {
            // One that would last longer was made before the clock was set back.
            var left = row.GetDateTimeOffset(Claimed) - now;
            if (!(left > TimeSpan.Zero && left <= ClaimLasts))
            {
                found.Add(new WaitingRun(row.RowKey, row.GetBoolean(Begun) ?? false, row.Timestamp ?? now, row.ETag));
            }
        }
        return found;
    }

    /// <summary>Makes this host the one that tells; false when another is.</summary>
    internal async Task<bool> TryClaimAsync(WaitingRun run, DateTimeOffset now, CancellationToken cancel)
    {
        try
        {
            var claim = new TableEntity(Partition, run.RunId) { [Claimed] = now + ClaimLasts };
            return await storage.Indexes.UpdateEntityAsync(claim, run.State, TableUpdateMode.Merge, cancel).WinsAsync();
        }
        catch (RequestFailedException done) when (done.Status == 404)
        {
            return false;
        }
    }

    /// <summary>Gives a claim back, with what has been told.</summary>
    internal Task ReleaseAsync(string runId, bool begun, CancellationToken cancel) => storage.Indexes.UpsertEntityAsync(
        new TableEntity(Partition, runId) { [Claimed] = DateTimeOffset.UnixEpoch, [Begun] = begun }, TableUpdateMode.Merge, cancel);

    internal Task RemoveAsync(string runId, CancellationToken cancel) => storage.Indexes.DeleteEntityAsync(Partition, runId, cancellationToken: cancel);

    internal async Task<ToldEvent?> FindAsync(string runId, LineageMoment moment, CancellationToken cancel) =>
        await storage.RunRecords.GetEntityIfExistsAsync<TableEntity>(runId, RecordPrefix + moment, cancellationToken: cancel) is { HasValue: true } found
            ? Json.Read<ToldEvent>(found.Value!.GetString("Json"))
            : null;

    internal Task RecordAsync(string runId, LineageMoment moment, ToldEvent told, CancellationToken cancel) => storage.RunRecords.UpsertEntityAsync(
        new TableEntity(runId, RecordPrefix + moment) { ["Json"] = Json.Write(told) }, TableUpdateMode.Replace, cancel);
}

/// <param name="RunId">The run.</param>
/// <param name="Begun">Whether its beginning was told.</param>
/// <param name="Noted">When the row was written last.</param>
/// <param name="State">What the row was when it was read.</param>
internal sealed record WaitingRun(string RunId, bool Begun, DateTimeOffset Noted, ETag State);

/// <summary>What of a run is told.</summary>
internal enum LineageMoment
{
    Start,
    End,
}

/// <summary>An event of a run that was told, or will not be any more.</summary>
/// <param name="Type">What it was: <c>START</c>, <c>COMPLETE</c>, <c>FAIL</c> or <c>ABORT</c>.</param>
/// <param name="At">When that was.</param>
/// <param name="Problem">Why it is lost; null: the receiver took it.</param>
internal sealed record ToldEvent(string Type, DateTimeOffset At, string? Problem = null);

using System.Collections.Concurrent;
using Azure.Data.Tables;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Tracking;

/// <summary>The alerts of runs, in the runs' own records.</summary>
public sealed class AlertStore(PipelineStorage storage)
{
    /// <summary>What the row keys of alerts start with.</summary>
    internal const string RowKind = "alert";

    private const string Claim = "Claim";

    /// <summary>Claims of this process whose answer was lost: the row, if it is there, may be this process's own.</summary>
    private readonly ConcurrentDictionary<(string RunId, AlertKind Kind), string> unanswered = new();

    /// <summary>What became of alerts that this process has sent, where storage did not answer when it was to be written.</summary>
    private readonly ConcurrentDictionary<(string RunId, AlertKind Kind), Alert> unwritten = new();

    /// <summary>
    /// Writes an alert that nobody has written; false when this run has told it already, or is just telling it. A row whose writing was not answered is
    /// known again as one's own, so that a lost answer does not silence the alert.
    /// </summary>
    public async Task<bool> TryClaimAsync(string runId, Alert alert, CancellationToken cancel)
    {
        var key = (runId, alert.Kind);
        // Taken away while it is used: of two calls at the same moment one has it.
        var claim = unanswered.TryRemove(key, out var earlier) ? earlier : Guid.NewGuid().ToString("N");
        try
        {
            var row = EntityOf(runId, alert);
            row[Claim] = claim;
            return await storage.RunRecords.AddEntityAsync(row, cancel).WinsAsync() || await IsOwnAsync(row, cancel);
        }
        catch
        {
            unanswered[key] = claim;
            throw;
        }
    }

    /// <summary>Writes what became of an alert; when that fails, <see cref="TryUpdateAgainAsync"/> may be called later.</summary>
    public async Task UpdateAsync(string runId, Alert alert, CancellationToken cancel)
    {
        try
        {
            await storage.RunRecords.UpsertEntityAsync(EntityOf(runId, alert), TableUpdateMode.Replace, cancel);
        }
        catch
        {
            unwritten[(runId, alert.Kind)] = alert;
            throw;
        }
    }

    /// <summary>Writes what became of an alert that was sent and could not be written then; false when there is no such alert.</summary>
    public async Task<bool> TryUpdateAgainAsync(string runId, AlertKind kind, CancellationToken cancel)
    {
        if (!unwritten.TryRemove((runId, kind), out var alert))
        {
            return false;
        }
        await UpdateAsync(runId, alert, cancel);
        return true;
    }

    private async Task<bool> IsOwnAsync(TableEntity claimed, CancellationToken cancel)
    {
        var found = await storage.RunRecords.GetEntityIfExistsAsync<TableEntity>(claimed.PartitionKey, claimed.RowKey, cancellationToken: cancel);
        return found.HasValue && found.Value!.GetString(Claim) == claimed.GetString(Claim);
    }

    private static TableEntity EntityOf(string runId, Alert alert) => new(runId, $"{RowKind}|{alert.Kind}") { ["Json"] = Json.Write(alert) };
}

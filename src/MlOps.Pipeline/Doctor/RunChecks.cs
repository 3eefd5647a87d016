using Azure.Data.Tables;
using Azure.Storage.Blobs.Models;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Doctor;

/// <summary>What must hold of runs. Of each only what the checks need is remembered.</summary>
internal sealed class RunChecks(
    PipelineStorage storage, RunStore store, DefinitionStore definitions, RegistryChecks registered, KeptData kept, UnreadableRecords unreadable)
{
    private const string LeftRunning = "The run had ended while this stage still counted as running.";

    /// <summary>The longest that a host may have a run without saying so again (<c>EngineOptions.LeaseDuration</c>).</summary>
    private static readonly TimeSpan LongestLease = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, Facts> runs = new(StringComparer.Ordinal);

    /// <summary>Runs that counted as running, or a stage of which did, and when the newest of what each logged was written.</summary>
    private readonly Dictionary<string, DateTimeOffset> running = new(StringComparer.Ordinal);

    /// <summary>Those of them that are queued, or wait, while a stage counts as running.</summary>
    private readonly HashSet<string> halted = new(StringComparer.Ordinal);

    private readonly Dictionary<string, DateTimeOffset> unfinished = new(StringComparer.Ordinal);

    public int Count => runs.Count;

    /// <summary>The runs that had not ended, and when each was created.</summary>
    public IReadOnlyDictionary<string, DateTimeOffset> Unfinished => unfinished;

    /// <summary>Remembers the runs. Before anything that they refer to is looked at: that is written before it is referred to.</summary>
    public async Task ReadAsync(CancellationToken cancel)
    {
        await foreach (var run in store.ReadAllAsync(AddUnreadable, cancel))
        {
            kept.Add(run);
            runs[run.RunId] = new Facts(run.Model, run.HasEnded, run.State == RunState.Succeeded, run.Version, run.DefinitionId);
            if (!run.HasEnded)
            {
                unfinished[run.RunId] = run.Created;
            }
            if (run.State == RunState.Running)
            {
                running[run.RunId] = run.Started ?? run.Created;
            }
        }
    }

    private void AddUnreadable(string runId, Exception why)
    {
        unreadable.Add($"runs/{runId}", why);
        kept.AddUnreadable(runId);
    }

    /// <summary>The version that a run made is in the registry, and on its row; its definition is there.</summary>
    public async Task<IReadOnlyList<Finding>> RowsAsync(CancellationToken cancel)
    {
        var found = new List<Finding>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (runId, run) in runs)
        {
            var where = $"runs/{runId}";
            if (run.Version is { } version && !registered.WasThere(run.Model, version))
            {
                found.Add(new Finding(FindingKind.Broken, where, $"It made version {version}, which the registry does not have. Restore a backup."));
            }
            if (run is { HasSucceeded: true, Version: null } && registered.VersionOf(runId) is { } made)
            {
                found.Add(new Finding(FindingKind.Broken, where, $"It registered version {made}, and its row does not say so.")
                {
                    Remedy = $"writes version {made} on it",
                    Repair = async stop => await store.UpdateAsync(runId, row => row with { Version = made }, stop) is not null,
                });
            }
            if (run.DefinitionId.Length > 0 && known.Add(run.DefinitionId) && !await definitions.HasSnapshotAsync(run.DefinitionId, cancel))
            {
                found.Add(new Finding(FindingKind.Broken, where, $"Its definition {run.DefinitionId} is not there, so that it cannot go on or be understood. "
                    + "Restore a backup."));
            }
        }
        return found;
    }

    /// <summary>No stage runs in a run that has ended; no run's records are left without it. What they refer to is noted as kept.</summary>
    /// <param name="settled">What was written before is not just being written.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<IReadOnlyList<Finding>> RecordsAsync(DateTimeOffset settled, CancellationToken cancel)
    {
        var found = new List<Finding>();
        // Rows of one run follow one another.
        var left = (RunId: "", Newest: DateTimeOffset.MinValue, Rows: 0);
        var lastRunning = "";
        await foreach (var row in storage.RunRecords.QueryAsync<TableEntity>(cancellationToken: cancel))
        {
            var runId = row.PartitionKey;
            if (runId != left.RunId)
            {
                AddLeft(found, left, settled);
                left = (runId, DateTimeOffset.MinValue, 0);
            }
            if (running.TryGetValue(runId, out var last) && row.Timestamp > last)
            {
                running[runId] = row.Timestamp.Value;
            }
            left = (runId, row.Timestamp is { } written && written > left.Newest ? written : left.Newest, left.Rows + 1);
            switch (row.RowKey[..Math.Max(0, row.RowKey.IndexOf('|', StringComparison.Ordinal))])
            {
                case "artifact" when kept.HasRun(runId):
                    if (Read<Artifact>(row) is { } artifact)
                    {
                        kept.Add(artifact);
                    }
                    break;
                case "result" when kept.HasRun(runId):
                    kept.AddResult(row.GetString("Json") ?? "");
                    break;
                case "stage" when unfinished.ContainsKey(runId) && row.Timestamp is { } at && IsRunning(row):
                    if (running.TryAdd(runId, at))
                    {
                        halted.Add(runId);
                    }
                    break;
                case "stage" when lastRunning != runId && runs.GetValueOrDefault(runId) is { HasEnded: true } && IsRunning(row):
                    lastRunning = runId;
                    found.Add(new Finding(FindingKind.Broken, $"runs/{runId}", "It has ended, and a stage of it counts as running.")
                    {
                        Remedy = "marks the stage as failed",
                        Repair = async stop =>
                        {
                            await store.CloseStagesAsync(runId, LeftRunning, stop);
                            return true;
                        },
                    });
                    break;
                default:
                    break;
            }
        }
        AddLeft(found, left, settled);
        return found;
    }

    /// <summary>
    /// No run counts as running that no host has. So the embedded engine tells: it makes a run's lease before the run counts as running, and takes the lease
    /// away after it has ended. A run without one is the durable engine's (<see cref="InstanceChecks"/>), as is one that has an instance: the app has taken it
    /// up. A run that is queued, or waits for an approval, may well be nobody's, but no stage of it runs then. To be asked after <see cref="RecordsAsync"/>.
    /// </summary>
    public async Task<IReadOnlyList<Finding>> OwnersAsync(TaskHubs hubs, DateTimeOffset now, CancellationToken cancel)
    {
        var found = new List<Finding>();
        foreach (var (runId, _) in running.Where(run => now - run.Value > LongestLease))
        {
            // The run again after its lease: who has ended it, or has just taken it up, has said so by now.
            if (await IsFreeAsync(runId, cancel) && await store.FindAsync(runId, cancel) is { } run && MustHaveHost(run) && await IsFreeAsync(runId, cancel)
                && await hubs.FindAsync(runId, cancel) is not { HasEnded: false })
            {
                var counts = run.State == RunState.Running ? "It counts" : "A stage of it counts";
                found.Add(new Finding(FindingKind.Stopped, $"runs/{runId}", $"{counts} as running, and no host has it: the one that had is gone. Nothing is "
                    + "lost; a host on this storage goes on with it by itself (mlops up, where none runs)."));
            }
        }
        return found;
    }

    private bool MustHaveHost(Run run) => run.State == RunState.Running || (!run.HasEnded && halted.Contains(run.RunId));

    private async Task<bool> IsFreeAsync(string runId, CancellationToken cancel) =>
        await storage.Leases.GetBlobClient(runId).GetPropertiesAsync(cancellationToken: cancel).OrNullAsync() is { } lease
            && lease.Value.LeaseState is LeaseState.Available or LeaseState.Expired or LeaseState.Broken;

    /// <summary>A run ends inside its last stage, whose own end is written after: a host that dies between the two has left nothing undone.</summary>
    private bool IsRunning(TableEntity row) => Read<StageStatus>(row) is { State: StageState.Running } stage && stage.Stage != StageStatus.Last;

    private T? Read<T>(TableEntity row)
        where T : class =>
        Stored.TryRead(() => Json.Read<T>(row.GetString("Json")), fault => unreadable.Add($"runrecords/{row.PartitionKey}/{row.RowKey}", fault));

    private void AddLeft(List<Finding> found, (string RunId, DateTimeOffset Newest, int Rows) left, DateTimeOffset settled)
    {
        if (left.Rows > 0 && !kept.HasRun(left.RunId) && left.Newest < settled)
        {
            found.Add(new Finding(FindingKind.Orphan, $"runrecords/{left.RunId}", $"{left.Rows} rows of a run that there is not.")
            {
                Remedy = "deletes them",
                Repair = async stop =>
                {
                    // A run that waits since longer may have its row by now.
                    if (await store.FindAsync(left.RunId, stop) is not null)
                    {
                        return false;
                    }
                    await store.DeleteRecordsAsync(left.RunId, stop);
                    return true;
                },
            });
        }
    }

    private sealed record Facts(string Model, bool HasEnded, bool HasSucceeded, int? Version, string DefinitionId);
}

using Azure;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using MlOps.Pipeline.Data;

namespace MlOps.Local.Engine;

/// <summary>One owner per run, by a lease on a blob of the run's name.</summary>
public sealed partial class RunLeases(PipelineStorage storage, EngineOptions options, TimeProvider time, ILogger<RunLeases> logger)
{
    /// <summary>Takes the run for this process and keeps it until disposed; null when another process has it.</summary>
    public async Task<RunLease?> TryAcquireAsync(string runId, CancellationToken cancel)
    {
        var blob = storage.Leases.GetBlobClient(runId);
        await storage.Leases.TryAddAsync(runId, BinaryData.FromBytes(ReadOnlyMemory<byte>.Empty), cancel);
        var lease = blob.GetBlobLeaseClient();
        var asked = time.GetTimestamp();
        if (await TryAcquireAsync(lease, cancel))
        {
            return new RunLease(runId, blob, lease, asked, options.LeaseDuration, time, logger);
        }
        if (!options.SoleOwner)
        {
            return null;
        }
        LogBroken(runId);
        await lease.BreakAsync(TimeSpan.Zero, cancellationToken: cancel);
        asked = time.GetTimestamp();
        return await TryAcquireAsync(lease, cancel) ? new RunLease(runId, blob, lease, asked, options.LeaseDuration, time, logger) : null;
    }

    /// <summary>Whether another process has the run; one that was killed has it until its lease runs out.</summary>
    public async Task<bool> IsAnothersAsync(string runId, CancellationToken cancel)
    {
        if (options.SoleOwner)
        {
            return false;
        }
        var asking = storage.Leases.GetBlobClient(runId).GetPropertiesAsync(cancellationToken: cancel);
        return (await asking.OrNullAsync())?.Value.LeaseState == LeaseState.Leased;
    }

    private async Task<bool> TryAcquireAsync(BlobLeaseClient lease, CancellationToken cancel)
    {
        try
        {
            await lease.AcquireAsync(options.LeaseDuration, cancellationToken: cancel);
            return true;
        }
        catch (RequestFailedException taken) when (taken.Status is 404 or 409)
        {
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {RunId}: its earlier host is gone; this one goes on")]
    private partial void LogBroken(string runId);
}

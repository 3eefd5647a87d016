using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace MlOps.Local.Engine;

/// <summary>This process's hold on a run, renewed in the background.</summary>
public sealed partial class RunLease : IAsyncDisposable
{
    private readonly string runId;
    private readonly BlobClient blob;
    private readonly BlobLeaseClient lease;
    private readonly TimeSpan duration;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly CancellationTokenSource lost = new();
    private readonly CancellationTokenSource done = new();
    private readonly Task renewing;

    internal RunLease(string runId, BlobClient blob, BlobLeaseClient lease, TimeSpan duration, TimeProvider time, ILogger logger)
    {
        (this.runId, this.blob, this.lease, this.duration, this.time, this.logger) = (runId, blob, lease, duration, time, logger);
        renewing = RenewAsync();
    }

    /// <summary>Cancelled when the run may be another process's by now: whatever works on it must stop.</summary>
    public CancellationToken Lost => lost.Token;

    /// <summary>The run has ended: nobody needs its lease again.</summary>
    public bool Remove { get; set; }

    /// <summary>Lets others take the run.</summary>
    public async ValueTask DisposeAsync()
    {
        await done.CancelAsync();
        await renewing;
        if (!lost.IsCancellationRequested)
        {
            await ReleaseAsync();
        }
        lost.Dispose();
        done.Dispose();
    }

    private async Task ReleaseAsync()
    {
        // A storage that does not answer must not delay the end: the lease runs out by itself.
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            await (Remove
                ? blob.DeleteIfExistsAsync(DeleteSnapshotsOption.None, new BlobRequestConditions { LeaseId = lease.LeaseId }, deadline.Token)
                : (Task)lease.ReleaseAsync(cancellationToken: deadline.Token));
        }
        catch (Exception fault) when (fault is RequestFailedException or OperationCanceledException or AggregateException)
        {
            LogNotReleased(runId, fault);
        }
    }

    private async Task RenewAsync()
    {
        var lastRenewed = time.GetTimestamp();
        try
        {
            while (true)
            {
                await Task.Delay(duration / 3, time, done.Token);
                try
                {
                    var renewal = time.GetTimestamp();
                    await lease.RenewAsync(cancellationToken: done.Token);
                    lastRenewed = renewal;
                }
                catch (Exception fault) when (!done.IsCancellationRequested)
                {
                    LogNotRenewed(runId, fault);
                    var isTaken = fault is RequestFailedException { Status: 404 or 409 or 412 };
                    if (isTaken || time.GetElapsedTime(lastRenewed) > duration)
                    {
                        await lost.CancelAsync();
                        return;
                    }
                }
            }
        }
        catch (OperationCanceledException) when (done.IsCancellationRequested)
        {
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {RunId}: its lease was not renewed")]
    private partial void LogNotRenewed(string runId, Exception fault);

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {RunId}: its lease was not released; it runs out by itself")]
    private partial void LogNotReleased(string runId, Exception fault);
}

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

    /// <param name="runId">The run.</param>
    /// <param name="blob">Its lease blob.</param>
    /// <param name="lease">The lease, acquired.</param>
    /// <param name="asked">When it was asked for: it may have begun then.</param>
    /// <param name="duration">How long it lasts.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told of trouble.</param>
    internal RunLease(string runId, BlobClient blob, BlobLeaseClient lease, long asked, TimeSpan duration, TimeProvider time, ILogger logger)
    {
        (this.runId, this.blob, this.lease, this.duration, this.time, this.logger) = (runId, blob, lease, duration, time, logger);
        renewing = RenewAsync(asked);
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

    /// <summary>
    /// The work stops before the lease runs out, by this process's own clock: a renewal that hangs is given up, and so is the run when there is no time left
    /// for another.
    /// </summary>
    private async Task RenewAsync(long lastRenewed)
    {
        var safe = duration * 5 / 6;
        var pause = duration / 3;
        try
        {
            while (true)
            {
                await Task.Delay(Shorter(pause, safe - time.GetElapsedTime(lastRenewed)), time, done.Token);
                try
                {
                    var renewal = time.GetTimestamp();
                    await RenewOnceAsync(Shorter(duration / 3, safe - time.GetElapsedTime(lastRenewed)));
                    (lastRenewed, pause) = (renewal, duration / 3);
                }
                catch (Exception fault) when (!done.IsCancellationRequested)
                {
                    LogNotRenewed(runId, fault);
                    pause = duration / 15;
                    var isTaken = fault is RequestFailedException { Status: 404 or 409 or 412 };
                    if (isTaken || time.GetElapsedTime(lastRenewed) >= safe)
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

    private async Task RenewOnceAsync(TimeSpan longest)
    {
        using var late = new CancellationTokenSource(longest, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, done.Token);
        // A call that does not listen is not waited for either.
        await lease.RenewAsync(cancellationToken: stop.Token).WaitAsync(stop.Token);
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other > TimeSpan.Zero ? other : TimeSpan.Zero;

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {RunId}: its lease was not renewed")]
    private partial void LogNotRenewed(string runId, Exception fault);

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {RunId}: its lease was not released; it runs out by itself")]
    private partial void LogNotReleased(string runId, Exception fault);
}

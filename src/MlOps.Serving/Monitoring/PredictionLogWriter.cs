using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MlOps.Serving.Monitoring;

/// <summary>Writes to storage what <see cref="PredictionLog"/> has taken: every few seconds, when much has come, and before the host ends.</summary>
internal sealed partial class PredictionLogWriter(
    PredictionLog log, LoggedModels models, PredictionBlobs blobs, PredictionLogOptions options, TimeProvider time, ILogger<PredictionLogWriter> logger)
    : BackgroundService
{
    private static readonly TimeSpan BetweenWarnings = TimeSpan.FromMinutes(1);

    private readonly Dictionary<(string Model, DateTimeOffset Hour), PendingLines> pending = [];
    private long droppedBefore;
    private DateTimeOffset warned;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await log.WaitForEnoughAsync(options.WriteEvery, stoppingToken);
                await TryWriteAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        log.Close();
        using var deadline = new CancellationTokenSource(options.LastWrite);
        await WriteLastAsync(deadline.Token);
    }

    private async Task TryWriteAsync(CancellationToken stopping)
    {
        try
        {
            await WriteAsync(stopping);
        }
        catch (Exception fault) when (!stopping.IsCancellationRequested)
        {
            if (MayWarn())
            {
                LogTrouble(fault);
            }
            await Task.Delay(options.RetryAfter, time, stopping);
        }
        TellDropped();
    }

    private async Task WriteLastAsync(CancellationToken cancel)
    {
        try
        {
            await WriteAsync(cancel);
        }
#pragma warning disable CA1031 // The host ends; what could not be written is lost, and told.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            log.Drop(pending.Values.Sum(lines => lines.Rows));
            LogLost(log.Dropped - droppedBefore, fault);
        }
    }

    /// <summary>Writes all that waits. What a fault leaves unwritten waits for the next call.</summary>
    private async Task WriteAsync(CancellationToken cancel)
    {
        while (log.Queue.TryRead(out var lines))
        {
            var key = (lines.Model, HourOf(lines.At));
            if (!pending.TryGetValue(key, out var waiting))
            {
                pending[key] = waiting = new PendingLines();
            }
            waiting.Add(lines);
        }
        foreach (var (key, waiting) in pending.ToList())
        {
            if (await models.ShareAsync(key.Model, cancel) is > 0 and var share)
            {
                log.Settle(waiting.Thin(share));
                await WriteAsync(key, waiting, cancel);
            }
            log.Settle(waiting.Bytes);
            pending.Remove(key);
        }
        blobs.CloseBefore(HourOf(time.GetUtcNow()));
    }

    private async Task WriteAsync((string Model, DateTimeOffset Hour) key, PendingLines waiting, CancellationToken cancel)
    {
        while (waiting.NextBlock() is { } block)
        {
            await blobs.AppendAsync(key.Model, key.Hour, block, cancel);
            waiting.Written();
            log.Settle(block.Length);
        }
    }

    private void TellDropped()
    {
        if (log.Dropped > droppedBefore && MayWarn())
        {
            LogDropped(log.Dropped - droppedBefore, log.Dropped);
            droppedBefore = log.Dropped;
        }
    }

    private bool MayWarn()
    {
        var now = time.GetUtcNow();
        if ((now - warned).Duration() < BetweenWarnings)
        {
            return false;
        }
        warned = now;
        return true;
    }

    private static DateTimeOffset HourOf(DateTimeOffset at) => new(at.UtcDateTime.Date.AddHours(at.UtcDateTime.Hour), TimeSpan.Zero);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Predicted rows cannot be written to storage now; they wait in memory, and what does not fit "
        + "there is dropped")]
    private partial void LogTrouble(Exception fault);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Rows} predicted rows were not kept: too many were waiting to be written, or they were too large "
        + "({All} since the start)")]
    private partial void LogDropped(long rows, long all);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Rows} predicted rows were not kept: storage did not take them before the host ended")]
    private partial void LogLost(long rows, Exception fault);
}

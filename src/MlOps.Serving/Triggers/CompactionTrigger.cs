using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Data;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Triggers;

/// <summary>Compacts hours of the prediction log that are over. A look has an end: what it does not come to is the next one's.</summary>
public sealed partial class CompactionTrigger : ITrigger
{
    /// <summary>Until it is looked again, when all was done.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(5);

    /// <summary>Rows of a day may come late so long; one that is older, and done, is not looked at again.</summary>
    private static readonly TimeSpan LateRows = TimeSpan.FromDays(2);

    private readonly PredictionCompactor compactor;
    private readonly PipelineStorage storage;
    private readonly CompactionOptions rules;
    private readonly TimeProvider time;
    private readonly ILogger<CompactionTrigger> logger;
    private readonly HashSet<(string Model, DateTimeOffset Day)> done = [];
    private long? ended;

    internal CompactionTrigger(
        PredictionCompactor compactor, PipelineStorage storage, CompactionOptions rules, TimeProvider time, ILogger<CompactionTrigger> logger) =>
        (this.compactor, this.storage, this.rules, this.time, this.logger) = (compactor, storage, rules, time, logger);

    public TimeSpan Interval { get; } = TimeSpan.FromMinutes(1);

    public async Task LookAsync(CancellationToken cancel)
    {
        if (ended is { } before && time.GetElapsedTime(before) < Pause)
        {
            return;
        }
        var started = time.GetTimestamp();
        foreach (var (model, day) in (await LogListing.ListDaysAsync(storage, cancel)).Where(entry => !done.Contains(entry)))
        {
            var blobs = await LogListing.ListAsync(storage, PredictionBlobs.DayPrefix(model, day), cancel);
            var isDone = true;
            foreach (var hour in blobs.GroupBy(blob => (blob.Folder, blob.Hour)))
            {
                if (hour.Key.Hour.AddHours(1) + rules.After > time.GetUtcNow())
                {
                    isDone = false;
                    continue;
                }
                if (!compactor.HasWork([.. hour]))
                {
                    continue;
                }
                isDone &= await TryCompactAsync(hour.Key.Folder, started, cancel);
                if (time.GetElapsedTime(started) >= rules.LongestLook)
                {
                    return;
                }
            }
            if (isDone && day.AddDays(1) + LateRows < time.GetUtcNow())
            {
                done.Add((model, day));
            }
        }
        ended = time.GetTimestamp();
    }

    /// <summary>One hour's trouble is not the others'. True when the hour is done.</summary>
    private async Task<bool> TryCompactAsync(string folder, long started, CancellationToken cancel)
    {
        try
        {
            HourState state;
            do
            {
                state = await compactor.CompactAsync(folder, cancel);
            }
            while (state == HourState.More && time.GetElapsedTime(started) < rules.LongestLook);
            return state == HourState.Done;
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            LogFailed(folder, fault);
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Hour} of the prediction log could not be compacted now; that is made up for in a few minutes")]
    private partial void LogFailed(string hour, Exception fault);
}

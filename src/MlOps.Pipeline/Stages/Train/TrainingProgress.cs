using System.Globalization;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Train;

/// <summary>
/// Tells of a long training that it goes on: every fifteen seconds a line of the log and the run's metrics. A short one tells nothing and
/// costs nothing. What cannot be told holds nothing up.
/// </summary>
public sealed partial class TrainingProgress(RunStore runs, TimeProvider time, ILogger<TrainingProgress> logger)
{
    /// <summary>Time between two accounts.</summary>
    public static TimeSpan Every { get; } = TimeSpan.FromSeconds(15);

    /// <summary>Trains, and tells of it meanwhile.</summary>
    internal async Task<T> FollowAsync<T>(TrainingWatch watch, Func<Task<T>> train)
    {
        using var done = new CancellationTokenSource();
        var telling = TellAsync(watch, done.Token);
        try
        {
            return await train();
        }
        finally
        {
            await done.CancelAsync();
            await telling;
        }
    }

    private async Task TellAsync(TrainingWatch watch, CancellationToken done)
    {
        var started = time.GetTimestamp();
        using var timer = new PeriodicTimer(Every, time);
        try
        {
            while (await timer.WaitForNextTickAsync(done))
            {
                var elapsed = time.GetElapsedTime(started);
                Log(watch, elapsed);
                await TryKeepAsync(watch, elapsed, done);
            }
        }
        catch (OperationCanceledException) when (done.IsCancellationRequested)
        {
        }
    }

    private void Log(TrainingWatch watch, TimeSpan elapsed)
    {
        var trees = watch.Trees is { } count ? count.ToString(CultureInfo.InvariantCulture) : "not told by this trainer";
        if (watch.Budget is not { } budget)
        {
            LogTraining(watch.RunId, watch.Candidate, elapsed.TotalSeconds, trees);
            return;
        }
        var end = watch.Lasts is { } lasts ? $"{lasts.TotalSeconds.ToString("0", CultureInfo.InvariantCulture)} s" : "not known yet";
        LogBudget(watch.RunId, watch.Candidate, elapsed.TotalSeconds, trees, (budget - elapsed).TotalSeconds, end);
    }

    private async Task TryKeepAsync(TrainingWatch watch, TimeSpan elapsed, CancellationToken done)
    {
        try
        {
            await runs.LogMetricsAsync(watch.RunId, watch.Metrics(elapsed), done);
        }
        catch (Exception fault) when (!done.IsCancellationRequested)
        {
            LogNotKept(watch.RunId, watch.Candidate, fault);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {RunId}: candidate {Candidate} has trained for {Seconds:0} s; trees: {Trees}")]
    private partial void LogTraining(string runId, string candidate, double seconds, string trees);

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {RunId}: candidate {Candidate} has trained for {Seconds:0} s; trees: {Trees}; left of "
        + "its budget: {BudgetLeft:0} s; expected to end after: {End}")]
    private partial void LogBudget(string runId, string candidate, double seconds, string trees, double budgetLeft, string end);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {RunId}: the progress of candidate {Candidate} could not be kept on the run; training goes on")]
    private partial void LogNotKept(string runId, string candidate, Exception fault);
}

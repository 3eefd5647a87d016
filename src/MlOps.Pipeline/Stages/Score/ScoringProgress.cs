using Microsoft.Extensions.Logging;

namespace MlOps.Pipeline.Stages.Score;

/// <summary>
/// Tells of a long scoring that it goes on: every five seconds the run has how many rows are scored. A short one tells nothing and costs nothing. What cannot
/// be told holds nothing up.
/// </summary>
public sealed partial class ScoringProgress(TimeProvider time, ILogger<ScoringProgress> logger)
{
    /// <summary>Rows that are scored.</summary>
    public const string Metric = "rows_scored";

    /// <summary>Time between two accounts.</summary>
    public static TimeSpan Every { get; } = TimeSpan.FromSeconds(5);

    /// <summary>Scores, and tells of it meanwhile.</summary>
    /// <param name="context">The run.</param>
    /// <param name="metric">Under which name it is told.</param>
    /// <param name="score">Scores; what it is given takes how many rows were scored since.</param>
    internal async Task<T> FollowAsync<T>(StageContext context, string metric, Func<Action<int>, Task<T>> score)
    {
        var rows = 0L;
        using var done = new CancellationTokenSource();
        var telling = TellAsync(context, metric, () => Interlocked.Read(ref rows), done.Token);
        try
        {
            return await score(more => Interlocked.Add(ref rows, more));
        }
        finally
        {
            await done.CancelAsync();
            await telling;
        }
    }

    private async Task TellAsync(StageContext context, string metric, Func<long> rows, CancellationToken done)
    {
        using var timer = new PeriodicTimer(Every, time);
        try
        {
            while (await timer.WaitForNextTickAsync(done))
            {
                await TryKeepAsync(context, metric, rows(), done);
            }
        }
        catch (OperationCanceledException) when (done.IsCancellationRequested)
        {
        }
    }

    private async Task TryKeepAsync(StageContext context, string metric, long rows, CancellationToken done)
    {
        LogScoring(context.RunId, rows);
        try
        {
            await context.LogMetricsAsync(new Dictionary<string, double> { [metric] = rows }, done);
        }
        catch (Exception fault) when (!done.IsCancellationRequested)
        {
            LogNotKept(context.RunId, fault);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {RunId}: {Rows} rows are scored")]
    private partial void LogScoring(string runId, long rows);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {RunId}: how many rows are scored could not be kept on the run; scoring goes on")]
    private partial void LogNotKept(string runId, Exception fault);
}

using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Deletion;

/// <summary>
/// Deletes runs that ended long ago and registered no version that is kept, by the same code as a person's deletion. One call looks at a bounded number of runs
/// and the next goes on after them; at the end it begins again, after a pause.
/// </summary>
public sealed partial class RunRetention(RunStore runs, RunDeletion deletion, RetentionOptions options, TimeProvider time, ILogger<RunRetention> logger)
{
    internal const int MostAtOnce = 100;

    private static readonly TimeSpan Pause = TimeSpan.FromHours(1);

    private string? next;
    private DateTimeOffset notBefore = DateTimeOffset.MinValue;

    /// <summary>Looks at the next runs; returns how many it deleted.</summary>
    public async Task<int> DeleteSomeAsync(CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        if (options.RunDays is not { } days || now < notBefore)
        {
            return 0;
        }
        var ended = now.AddDays(-days);
        // A run ends after it was created: what was created since cannot have ended before.
        var page = await runs.ListBeforeAsync(ended, MostAtOnce, next, cancel);
        var deleted = 0;
        foreach (var run in page.Items.Where(run => run.Ended < ended))
        {
            if (await deletion.WhyNotAsync(run, cancel) is null)
            {
                await deletion.DeleteAsync(run, cancel);
                deleted++;
            }
        }
        (next, notBefore) = (page.Next, page.Next is null ? now + Pause : notBefore);
        if (deleted > 0)
        {
            LogDeleted(deleted, days);
        }
        return deleted;
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Deleted} runs that ended more than {Days} days ago were deleted")]
    private partial void LogDeleted(int deleted, int days);
}

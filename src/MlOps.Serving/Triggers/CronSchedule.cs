using Cronos;

namespace MlOps.Serving.Triggers;

/// <summary>A cron expression in UTC, with or without seconds.</summary>
internal sealed class CronSchedule
{
    /// <summary>Looking back step by step keeps a schedule of seconds cheap after a long time.</summary>
    private static readonly TimeSpan[] LookBacks =
        [TimeSpan.FromMinutes(1), TimeSpan.FromHours(1), TimeSpan.FromDays(1), TimeSpan.FromDays(31), TimeSpan.FromDays(366)];

    private readonly CronExpression expression;

    private CronSchedule(CronExpression expression) => this.expression = expression;

    /// <exception cref="CronFormatException">The text is no cron expression.</exception>
    public static CronSchedule Parse(string text)
    {
        var fields = text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;
        return new CronSchedule(CronExpression.Parse(text, fields == 6 ? CronFormat.IncludeSeconds : CronFormat.Standard));
    }

    /// <summary>The first time due after <paramref name="after"/>; null when there is none.</summary>
    public DateTimeOffset? NextDue(DateTimeOffset after) =>
        expression.GetNextOccurrence(after.UtcDateTime) is { } next ? new DateTimeOffset(next, TimeSpan.Zero) : null;

    /// <summary>The newest time due after <paramref name="since"/> and not after <paramref name="now"/>; null when none was.</summary>
    public DateTimeOffset? LastDue(DateTimeOffset since, DateTimeOffset now)
    {
        if (since >= now)
        {
            return null;
        }
        foreach (var from in LookBacks.Select(lookBack => now - lookBack).Append(DateTimeOffset.MinValue))
        {
            var start = from > since ? from : since;
            var due = expression.GetOccurrences(start.UtcDateTime, now.UtcDateTime, fromInclusive: start != since, toInclusive: true);
            if (due.Cast<DateTime?>().LastOrDefault() is { } last)
            {
                return new DateTimeOffset(last, TimeSpan.Zero);
            }
            if (start == since)
            {
                return null;
            }
        }
        return null;
    }
}

/// <summary>When schedules are due.</summary>
public static class ScheduleTimes
{
    /// <summary>The next time after another; null: it is never due again.</summary>
    /// <param name="schedule">A cron expression in UTC.</param>
    /// <param name="after">That time.</param>
    public static DateTimeOffset? NextAfter(string schedule, DateTimeOffset after) => CronSchedule.Parse(schedule).NextDue(after);
}

using System.Diagnostics;
using MlOps.Serving.Triggers;

namespace MlOps.Serving.Tests.Triggers;

public sealed class CronScheduleTests
{
    private static readonly DateTimeOffset Now = new(2026, 5, 4, 2, 30, 0, TimeSpan.Zero);

    [Fact]
    public void The_time_already_served_is_not_due_again() =>
        CronSchedule.Parse("0 30 2 * * *").LastDue(since: Now, now: Now + TimeSpan.FromHours(1)).Should().BeNull();

    [Fact]
    public void The_present_moment_is_due() =>
        CronSchedule.Parse("0 30 2 * * *").LastDue(since: Now - TimeSpan.FromSeconds(1), now: Now).Should().Be(Now);

    [Theory]
    [InlineData("0 30 2 * * *", "2026-05-05T02:30:00Z")]
    [InlineData("0 3 * * *", "2026-05-04T03:00:00Z")]
    public void The_next_time_comes_after_the_present_moment(string schedule, string due) =>
        ScheduleTimes.NextAfter(schedule, Now).Should().Be(DateTimeOffset.Parse(due, System.Globalization.CultureInfo.InvariantCulture));

    [Theory]
    [InlineData("* * * * * *", "2026-05-04T02:30:00Z")]
    [InlineData("0 0 0 1 1 *", "2026-01-01T00:00:00Z")]
    [InlineData("0 0 29 2 *", "2024-02-29T00:00:00Z")]
    public void The_newest_of_many_missed_times_is_found_quickly(string schedule, string due)
    {
        var clock = Stopwatch.StartNew();

        var found = CronSchedule.Parse(schedule).LastDue(since: Now.AddYears(-10), now: Now);

        found.Should().Be(DateTimeOffset.Parse(due, System.Globalization.CultureInfo.InvariantCulture));
        clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(5), "ten years have 315 million seconds");
    }
}

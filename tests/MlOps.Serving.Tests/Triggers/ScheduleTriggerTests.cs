using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Serving.Tests.Triggers;

[Collection(AzuriteFixture.Collection)]
public sealed class ScheduleTriggerTests(AzuriteFixture azurite)
{
    private readonly TestClock clock = new(new DateTimeOffset(2026, 5, 4, 2, 30, 0, TimeSpan.Zero));
    private readonly string model = AzuriteFixture.UniqueModel();

    [Fact]
    public async Task A_run_starts_when_it_is_due_and_only_then()
    {
        await using var host = await ScheduledAsync("0 0 3 * * *");

        clock.Now += TimeSpan.FromMinutes(29);
        await host.LookAtClockAsync();
        var before = await host.RunsAsync(model);
        clock.Now += TimeSpan.FromMinutes(1);
        await host.LookAtClockAsync();
        await host.LookAtClockAsync();
        var after = await host.RunsAsync(model);

        before.Should().BeEmpty();
        after.Should().ContainSingle().Which.Should().Match<Run>(run => run.Trigger == "schedule" && run.Source == $"raw/{model}/a.csv");
        after[0].RunId.Should().StartWith($"{model}-20260504030000000-");
    }

    [Fact]
    public async Task Every_due_time_starts_a_run_also_with_five_fields()
    {
        await using var host = await ScheduledAsync("0 * * * *");

        foreach (var _ in Enumerable.Range(0, 3))
        {
            clock.Now += TimeSpan.FromHours(1);
            await host.LookAtClockAsync();
        }

        (await host.RunsAsync(model)).Should().HaveCount(3);
    }

    [Fact]
    public async Task Times_missed_while_no_host_was_there_are_made_up_for_by_one_run()
    {
        await using (await ScheduledAsync("*/10 * * * * *"))
        {
        }
        clock.Now += TimeSpan.FromDays(40) + TimeSpan.FromSeconds(7);
        await using var later = new TriggerHost(azurite, clock);

        await later.LookAtClockAsync();
        await later.LookAtClockAsync();

        (await later.RunsAsync(model)).Should().ContainSingle().Which.RunId.Should().StartWith($"{model}-20260613023000000-");
    }

    [Fact]
    public async Task Two_hosts_start_one_run_for_one_due_time()
    {
        await using var first = await ScheduledAsync("0 0 3 * * *");
        await using var second = new TriggerHost(azurite, clock);
        await second.LookAtClockAsync();

        clock.Now += TimeSpan.FromHours(1);
        await first.LookAtClockAsync();
        await second.LookAtClockAsync();

        (await first.RunsAsync(model)).Should().ContainSingle();
    }

    [Fact]
    public async Task A_changed_schedule_counts_from_when_it_is_seen()
    {
        await using var host = await ScheduledAsync("0 0 3 * * *");
        await host.DefineAsync(model, new TriggerRules(Schedule: "0 0 2 * * *"));
        clock.Now += TimeSpan.FromMinutes(10);
        await host.LookAtClockAsync();
        clock.Now += TimeSpan.FromHours(1);
        await host.LookAtClockAsync();
        var early = await host.RunsAsync(model);

        clock.Now += TimeSpan.FromHours(23);
        await host.LookAtClockAsync();

        early.Should().BeEmpty("two o'clock had passed when the schedule came");
        (await host.RunsAsync(model)).Should().ContainSingle();
    }

    [Fact]
    public async Task After_the_clock_was_set_back_no_time_is_served_twice_and_new_schedules_are_followed()
    {
        var other = AzuriteFixture.UniqueModel();
        await using var host = await ScheduledAsync("0 0 3 * * *");
        clock.Now += TimeSpan.FromMinutes(40);
        await host.LookAtClockAsync();

        clock.Now -= TimeSpan.FromHours(1);
        await host.DropAsync($"{other}/a.csv");
        await host.DefineAsync(other, new TriggerRules(Schedule: "0 0 3 * * *"));
        await host.LookAtClockAsync();
        clock.Now += TimeSpan.FromMinutes(50);
        await host.LookAtClockAsync();

        (await host.RunsAsync(model)).Should().ContainSingle("three o'clock comes twice");
        (await host.RunsAsync(other)).Should().ContainSingle();
    }

    [Fact]
    public async Task A_schedule_that_is_none_disturbs_no_other()
    {
        var broken = AzuriteFixture.UniqueModel("a-broken");
        await using var host = await ScheduledAsync("0 0 3 * * *");
        await TryDefineAsync(host, broken, "99 0 3 * * *");

        clock.Now += TimeSpan.FromHours(1);
        await host.LookAtClockAsync();

        (await host.RunsAsync(model)).Should().ContainSingle();
        (await host.RunsAsync(broken)).Should().BeEmpty();
    }

    [Fact]
    public async Task A_schedule_that_is_seen_only_after_its_first_time_has_come_is_not_skipped()
    {
        await using var host = new TriggerHost(azurite, clock);
        await host.DropAsync($"{model}/a.csv");
        var due = DateTimeOffset.UtcNow + TimeSpan.FromSeconds(20);
        await host.DefineAsync(model, new TriggerRules(Schedule: $"{due.Second} {due.Minute} {due.Hour} {due.Day} {due.Month} *"));

        // The look that sees it comes within the minute, but after the time.
        clock.Now = due + TimeSpan.FromSeconds(25);
        await host.LookAtClockAsync();
        clock.Now += TimeSpan.FromMinutes(1);
        await host.LookAtClockAsync();

        (await host.RunsAsync(model)).Should().ContainSingle().Which.Trigger.Should().Be("schedule");
    }

    private async Task<TriggerHost> ScheduledAsync(string schedule)
    {
        var host = new TriggerHost(azurite, clock);
        await host.DropAsync($"{model}/a.csv");
        await host.DefineAsync(model, new TriggerRules(Schedule: schedule));
        await host.LookAtClockAsync();
        return host;
    }

    private static async Task TryDefineAsync(TriggerHost host, string model, string schedule)
    {
        var json = $$"""{"model":"{{model}}","target":"y","runOn":{"schedule":"{{schedule}}"} }""";
        await host.Storage.Definitions.GetBlobClient($"current/{model}.json").UploadAsync(BinaryData.FromString(json), overwrite: true);
    }
}

using MlOps.Serving.Models;
using MlOps.Testing;

namespace MlOps.Serving.Tests;

public sealed class RefreshedTests
{
    private static readonly ServingOptions Options = new()
    {
        RefreshEvery = TimeSpan.FromSeconds(1),
        StaleAfter = TimeSpan.FromSeconds(10),
        StaleWait = TimeSpan.FromSeconds(30),
    };

    private readonly ManualTime time = new();
    private readonly List<Exception> faults = [];
    private int reads;

    [Fact]
    public async Task Concurrent_first_callers_share_one_read()
    {
        var open = new TaskCompletionSource();
        var value = Create(async _ =>
        {
            await open.Task;
            return "one";
        });

        var callers = Enumerable.Range(0, 50).Select(_ => value.GetAsync(default).AsTask()).ToList();
        callers.Should().OnlyContain(caller => !caller.IsCompleted);
        open.SetResult();

        (await Task.WhenAll(callers)).Should().OnlyContain(answer => answer == "one");
        reads.Should().Be(1);
    }

    [Fact]
    public async Task A_caller_that_gives_up_does_not_stop_the_read_for_the_others()
    {
        var open = new TaskCompletionSource();
        var value = Create(async _ =>
        {
            await open.Task;
            return "one";
        });
        using var impatient = new CancellationTokenSource();
        var leaving = value.GetAsync(impatient.Token).AsTask();
        var staying = value.GetAsync(default).AsTask();

        await impatient.CancelAsync();
        await leaving.Invoking(caller => caller).Should().ThrowAsync<OperationCanceledException>();
        open.SetResult();

        (await staying).Should().Be("one");
        reads.Should().Be(1);
    }

    [Fact]
    public async Task A_failed_first_read_reaches_the_caller_and_the_next_call_reads_again()
    {
        var value = Create(count => count == 1 ? throw new IOException("first") : Task.FromResult<string?>("two"));

        await value.Awaiting(v => v.GetAsync(default).AsTask()).Should().ThrowAsync<IOException>();

        (await value.GetAsync(default)).Should().Be("two");
        faults.Should().BeEmpty();
    }

    [Fact]
    public async Task Nothing_found_is_not_remembered()
    {
        var value = Create(count => Task.FromResult(count < 3 ? null : "three"));

        (await value.GetAsync(default)).Should().BeNull();
        (await value.GetAsync(default)).Should().BeNull();
        (await value.GetAsync(default)).Should().Be("three");
    }

    [Fact]
    public async Task Within_the_interval_the_value_is_not_read_again()
    {
        var value = Create(count => Task.FromResult<string?>($"{count}"));
        await value.GetAsync(default);

        time.Advance(TimeSpan.FromMilliseconds(999));
        await value.GetAsync(default);

        reads.Should().Be(1);
    }

    [Fact]
    public async Task The_old_value_answers_until_the_new_one_is_there()
    {
        var open = new TaskCompletionSource();
        var value = Create(async count =>
        {
            await (count == 1 ? Task.CompletedTask : open.Task);
            return $"{count}";
        });
        await value.GetAsync(default);
        time.Advance(TimeSpan.FromSeconds(1));

        for (var i = 0; i < 20; i++)
        {
            var answer = value.GetAsync(default).AsTask();
            answer.IsCompleted.Should().BeTrue("nobody waits for a refresh");
            (await answer).Should().Be("1");
        }
        open.SetResult();

        await Eventually.IsTrueAsync(() => value.Current == "2");
        reads.Should().Be(2);
    }

    [Fact]
    public async Task A_failed_refresh_keeps_the_value_is_reported_and_tried_again_after_the_interval()
    {
        var value = Create(count => count == 2 ? throw new IOException("second") : Task.FromResult<string?>($"{count}"));
        await value.GetAsync(default);

        time.Advance(TimeSpan.FromSeconds(1));
        (await value.GetAsync(default)).Should().Be("1");
        await Eventually.IsTrueAsync(() => faults.Count == 1);
        (await value.GetAsync(default)).Should().Be("1");
        reads.Should().Be(2);

        time.Advance(TimeSpan.FromSeconds(1));
        await value.GetAsync(default);
        await Eventually.IsTrueAsync(() => value.Current == "3");
        faults.Should().ContainSingle().Which.Message.Should().Be("second");
    }

    [Fact]
    public async Task A_refresh_that_keeps_failing_is_tried_ever_more_rarely_until_it_succeeds()
    {
        var isDown = true;
        var value = Create(count => count > 1 && isDown ? throw new IOException($"{count}") : Task.FromResult<string?>($"{count}"));
        await value.GetAsync(default);

        var during = await TicksAsync(value, seconds: 300);
        isDown = false;
        await TicksAsync(value, seconds: 31);
        var after = await TicksAsync(value, seconds: 10);

        during.Should().BeInRange(300 / 30, 300 / 10, "pauses grow to between 15 and 30 seconds");
        after.Should().Be(10);
    }

    /// <summary>How many reads there were while somebody asked every second.</summary>
    private async Task<int> TicksAsync(Refreshed<string> value, int seconds)
    {
        var before = reads;
        for (var second = 0; second < seconds; second++)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await value.GetAsync(default);
            await value.Idle;
        }
        return reads - before;
    }

    [Fact]
    public async Task After_a_long_quiet_the_first_callers_get_the_new_value()
    {
        var open = new TaskCompletionSource();
        var value = Create(async count =>
        {
            await (count == 1 ? Task.CompletedTask : open.Task);
            return $"{count}";
        });
        await value.GetAsync(default);
        time.Advance(TimeSpan.FromSeconds(10));

        var first = value.GetAsync(default).AsTask();
        var second = value.GetAsync(default).AsTask();
        first.IsCompleted.Should().BeFalse();
        open.SetResult();

        (await first).Should().Be("2");
        (await second).Should().Be("2");
    }

    [Fact]
    public async Task After_a_long_quiet_a_read_that_hangs_delays_the_old_value_only_for_a_while()
    {
        var value = Create(
            async count =>
            {
                await (count == 1 ? Task.CompletedTask : Task.Delay(Timeout.Infinite));
                return $"{count}";
            },
            Options with { StaleWait = TimeSpan.FromMilliseconds(50) });
        await value.GetAsync(default);
        time.Advance(TimeSpan.FromSeconds(10));

        (await value.GetAsync(default).AsTask().WaitAsync(TimeSpan.FromSeconds(20))).Should().Be("1");
        value.GetAsync(default).AsTask().IsCompleted.Should().BeTrue("the wait is over for everyone");
    }

    private Refreshed<string> Create(Func<int, Task<string?>> read, ServingOptions? options = null) => new(
        (_, _) => read(Interlocked.Increment(ref reads)), fault =>
        {
            lock (faults)
            {
                faults.Add(fault);
            }
        },
        options ?? Options, time, CancellationToken.None);
}

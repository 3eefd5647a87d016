using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Tests.Training;

public sealed class TrainingPlacesTests
{
    [Fact]
    public async Task Fifty_candidates_train_as_many_at_once_as_there_are_places_and_all_in_the_end()
    {
        var places = new TrainingPlaces(3, long.MaxValue);
        var (now, most, done, counting) = (0, 0, 0, new Lock());

        await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => Task.Run(async () =>
        {
            using var place = await places.TakeAsync(1, default);
            lock (counting)
            {
                most = Math.Max(most, ++now);
            }
            await Task.Yield();
            lock (counting)
            {
                (now, done) = (now - 1, done + 1);
            }
        })));

        done.Should().Be(50);
        most.Should().BeLessThanOrEqualTo(3);
    }

    [Fact]
    public async Task Tables_that_do_not_fit_together_are_trained_on_one_after_another_and_the_largest_alone()
    {
        var places = new TrainingPlaces(8, 100);
        var first = await places.TakeAsync(60, default);
        var second = places.TakeAsync(60, default);
        var larger = places.TakeAsync(1000, default);
        var small = places.TakeAsync(10, default);

        second.IsCompleted.Should().BeFalse("60 and 60 are more than 100");
        first.Dispose();
        var taken = await second;
        larger.IsCompleted.Should().BeFalse();
        small.IsCompleted.Should().BeFalse("it came later than one that waits");
        taken.Dispose();
        taken.Dispose();
        (await larger).Dispose();
        (await small).Dispose();
    }

    [Fact]
    public async Task Those_that_train_at_once_share_the_threads_and_the_last_has_them_all()
    {
        var places = new TrainingPlaces(3, long.MaxValue);
        places.ShareOf(8).Should().Be(8);
        var first = await places.TakeAsync(1, default);
        places.ShareOf(8).Should().Be(8);
        var others = new[] { await places.TakeAsync(1, default), await places.TakeAsync(1, default) };
        var waiting = places.TakeAsync(1, default);

        places.ShareOf(8).Should().Be(2);
        places.ShareOf(2).Should().Be(1, "each has one");
        first.Dispose();
        foreach (var place in others.Append(await waiting))
        {
            place.Dispose();
        }
        places.ShareOf(8).Should().Be(8);
    }

    [Fact]
    public async Task One_that_is_cancelled_while_it_waits_keeps_nobody_out()
    {
        var places = new TrainingPlaces(1, 100);
        using var cancelled = new CancellationTokenSource();
        var first = await places.TakeAsync(1, default);
        var second = places.TakeAsync(1, cancelled.Token);
        var third = places.TakeAsync(1, default);

        await cancelled.CancelAsync();
        await second.Invoking(waiting => waiting).Should().ThrowAsync<OperationCanceledException>();
        first.Dispose();

        (await third.WaitAsync(TimeSpan.FromSeconds(20))).Dispose();
    }
}

using MlOps.Pipeline.Registry;
using MlOps.Serving.Triggers;
using MlOps.Testing;

namespace MlOps.Serving.Tests.Triggers;

public sealed class TrafficLooksTests
{
    private readonly TestClock clock = new(new DateTimeOffset(2026, 5, 4, 3, 0, 0, TimeSpan.Zero));

    [Theory]
    [InlineData(100, 5)]
    [InlineData(3600, 180)]
    [InlineData(86400, 600)]
    public void The_older_a_split_the_longer_it_is_left_alone_and_ten_minutes_at_most(int age, int pause)
    {
        var looks = new TrafficLooks(clock);
        var split = new TrafficSplit { Id = "s", Production = 1, Shares = [], Since = clock.Now - TimeSpan.FromSeconds(age), Reason = "test" };

        looks.IsDue(split).Should().BeTrue();
        looks.IsDue(split).Should().BeTrue("a look that failed is made up for at once");
        looks.Note(split);
        looks.IsDue(split).Should().BeFalse();
        clock.Now += TimeSpan.FromSeconds(pause - 1);
        looks.IsDue(split).Should().BeFalse();
        // The split has aged meanwhile, by a twentieth of which it waits longer.
        clock.Now += TimeSpan.FromSeconds(1 + (pause / 10.0));
        looks.IsDue(split).Should().BeTrue();
        looks.Note(split);
        clock.Now -= TimeSpan.FromMinutes(1);
        clock.Now += TimeSpan.FromSeconds(1 + (pause * 1.2));
        looks.IsDue(split).Should().BeTrue("what has passed counts, and not what the clock shows");
        looks.Note(split);
        looks.Forget([]);
        looks.IsDue(split).Should().BeTrue();
    }
}

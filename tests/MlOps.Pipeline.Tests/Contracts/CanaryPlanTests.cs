using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Tests.Contracts;

public sealed class CanaryPlanTests
{
    /// <summary>However short a step may be, patience is as long as it says: a run does not grow by a row each second of a month.</summary>
    [Theory]
    [InlineData(3600, 3600, 1)]
    [InlineData(3600, 9000, 3)]
    [InlineData(3600, 86400, 24)]
    [InlineData(1, 86400, 100)]
    [InlineData(1, 30 * 86400, 100)]
    [InlineData(60, 6060, 100)]
    public void Patience_is_over_after_the_last_look_and_not_before(int hold, int patience, int looks)
    {
        var plan = new CanaryPlan([5], TimeSpan.FromSeconds(hold), TimeSpan.FromSeconds(patience));
        var times = Enumerable.Range(1, plan.Looks).Select(plan.Until).ToList();

        plan.Looks.Should().Be(looks).And.BeLessThanOrEqualTo(101);
        times[0].Should().Be(plan.Hold);
        times.Should().OnlyContain(time => time >= plan.Hold);
        times.Aggregate(TimeSpan.Zero, (sum, time) => sum + time).Should().BeGreaterThanOrEqualTo(plan.Patience);
        times.SkipLast(1).Aggregate(TimeSpan.Zero, (sum, time) => sum + time).Should().BeLessThan(plan.Patience);
    }
}

using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Tests.Training;

public sealed class ScorerCheckTests
{
    [Theory]
    [InlineData(new[] { 1f, -2, float.NaN, float.PositiveInfinity, 0 }, new[] { 1f, -2, float.NaN, float.PositiveInfinity, 0 }, 0, 0)]
    [InlineData(new[] { 100f, 4 }, new[] { 101f, 4 }, 0, 1 / 101.0)]
    [InlineData(new[] { -1e-6f }, new[] { 1e-6f }, 0, 2)]
    [InlineData(new[] { 1e-6f, 0.5f }, new[] { 2e-6f, 0.5f }, 1e-3, 1e-3)]
    [InlineData(new[] { 0f }, new[] { 1f }, 0, 1)]
    [InlineData(new[] { 1f, float.NaN }, new[] { 1f, 2 }, 0, double.PositiveInfinity)]
    [InlineData(new[] { 1f }, new[] { float.PositiveInfinity }, 0, double.PositiveInfinity)]
    public void The_largest_difference_counts_relative_to_the_larger(float[] ours, float[] theirs, double smallest, double expected)
    {
        ScorerCheck.LargestDifference(ours, theirs, smallest).Should().BeApproximately(expected, 1e-9);
        ScorerCheck.LargestDifference(theirs, ours, smallest).Should().BeApproximately(expected, 1e-9);
    }
}

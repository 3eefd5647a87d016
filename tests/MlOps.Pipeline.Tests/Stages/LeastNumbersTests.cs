using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Tests.Stages;

public sealed class LeastNumbersTests
{
    [Fact]
    public void The_least_are_kept_whoever_offers_them_first()
    {
        var numbers = Enumerable.Range(3, 20_000).Select(number => (long)number).ToArray();
        new Random(11).Shuffle(numbers);
        var least = new LeastNumbers(most: 5);

        Parallel.ForEach(numbers, least.Offer);

        least.Numbers.Should().Equal(3, 4, 5, 6, 7);
    }

    [Fact]
    public void Fewer_than_it_keeps_are_all_kept_and_of_none_none()
    {
        var least = new LeastNumbers(most: 5);
        least.Numbers.Should().BeEmpty();

        least.Offer(9);
        least.Offer(2);

        least.Numbers.Should().Equal(2, 9);
    }
}

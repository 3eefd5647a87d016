using MlOps.Serving.Feedback;

namespace MlOps.Serving.Tests.Feedback;

public sealed class SequentialTestTests
{
    private const double Alpha = 0.05;
    private const int Experiments = 1_000;
    private const int Longest = 3_000;
    private const int Every = 10;

    /// <summary>Squared errors are skewed: a normal error's square, whose variance is twice its mean's square.</summary>
    public static TheoryData<string> Losses => ["squared normal", "exponential", "one in ten"];

    [Theory]
    [MemberData(nameof(Losses))]
    public void Two_that_are_the_same_are_told_apart_no_more_often_than_declared_however_often_one_looks(string losses)
    {
        var random = new Random(7);

        var wrong = Enumerable.Range(0, Experiments).Count(_ => FirstVerdict(random, losses, second: 1) is not null);

        // Of 1,000 experiments at 0.05, 50 are expected, and 72 or more come in one of a thousand cases (binomial).
        wrong.Should().BeLessThan(72);
    }

    [Fact]
    public void A_worse_one_is_found_soon_and_never_taken_for_better()
    {
        var random = new Random(7);

        var verdicts = Enumerable.Range(0, 200).Select(_ => FirstVerdict(random, "exponential", second: 1.3)).ToList();

        verdicts.Count(verdict => verdict is { IsWorse: true }).Should().BeGreaterThan(190);
        verdicts.Should().NotContain(verdict => verdict != null && !verdict.IsWorse);
        verdicts.OfType<Verdict>().Select(verdict => verdict.Rows).Order().ElementAt(100).Should().BeLessThan(1_500);
    }

    [Fact]
    public void Few_rows_say_nothing_and_losses_without_any_spread_say_all()
    {
        SequentialTest.Of(new LossSummary(99, 1, 1), new LossSummary(5_000, 9, 1), Alpha).Should().BeNull();
        SequentialTest.Of(new LossSummary(100, 1, 0), new LossSummary(100, 2, 0), Alpha)!.Low.Should().Be(1);
    }

    /// <summary>Equation of the paper, worked out by hand: 1,000 each, variances 1.</summary>
    [Fact]
    public void The_interval_is_that_of_the_paper()
    {
        var interval = SequentialTest.Of(new LossSummary(1_000, 0, 1), new LossSummary(1_000, 0.5, 1), Alpha)!;

        // v = 0.002; tau² = 2 (5.9915 + ln 6.9915) / 1000 = 0.015872; half² = v (v + tau²) / tau² · (5.9915 + ln((v + tau²) / v)) = 0.0184256.
        interval.Low.Should().BeApproximately(0.5 - 0.13574, 1e-4);
        interval.High.Should().BeApproximately(0.5 + 0.13574, 1e-4);
    }

    private static Verdict? FirstVerdict(Random random, string losses, double second)
    {
        var (first, other) = (new Sums(), new Sums());
        for (var rows = 1; rows <= Longest; rows++)
        {
            first.Add(Draw(random, losses));
            other.Add(second * Draw(random, losses));
            if (rows % Every == 0 && SequentialTest.Of(first.Summary, other.Summary, Alpha) is { } interval && !interval.Contains(0))
            {
                return new Verdict(rows, interval.Low > 0);
            }
        }
        return null;
    }

    private static double Draw(Random random, string losses) => losses switch
    {
        "squared normal" => Math.Pow(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()), 2),
        "exponential" => -Math.Log(1 - random.NextDouble()),
        _ => random.NextDouble() < 0.1 ? 1 : 0,
    };

    private sealed record Verdict(int Rows, bool IsWorse);

    private sealed class Sums
    {
        private long count;
        private double mean;
        private double squares;

        public LossSummary Summary => new(count, mean, count > 1 ? squares / (count - 1) : 0);

        public void Add(double value)
        {
            count++;
            var before = value - mean;
            mean += before / count;
            squares += before * (value - mean);
        }
    }
}

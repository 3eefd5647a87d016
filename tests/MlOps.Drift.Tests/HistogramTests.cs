using MlOps.Drift.Profiles;

namespace MlOps.Drift.Tests;

public sealed class HistogramTests
{
    [Theory]
    [InlineData(0, 10, 8, new[] { 0, 2.5, 5, 7.5, 10 })]
    [InlineData(0, 10, 7, new[] { 0, 2.5, 5, 7.5, 10 })]
    [InlineData(0, 10, 9, new double[] { 0, 2, 4, 6, 8, 10 })]
    [InlineData(-3, -3, 100, new[] { -3.5, -2.5 })]
    [InlineData(1, 2, 1, new double[] { 1, 2 })]
    public void Edges_follow_Sturges(double min, double max, long n, double[] edges) =>
        Histogram.SturgesEdges(min, max, n).Should().Equal(edges, (a, b) => Math.Abs(a - b) < 1e-12);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_bin_holds_its_lower_edge_and_the_last_one_both(int seed)
    {
        var random = new Random(seed);
        double[] edges = [-1, 0, 2, 3, 3.5];
        double[] values = [.. Enumerable.Range(0, 200).Select(_ => random.Next(-2, 9) / 2.0)];

        var counts = Histogram.Counts(Profiled.Numbers(values), edges);

        // Values outside fall into the outermost bins.
        counts.Should().Equal(
            values.Count(value => value < 0), values.Count(value => value is >= 0 and < 2), values.Count(value => value is >= 2 and < 3),
            values.Count(value => value >= 3));
    }

    [Fact]
    public void A_bucket_is_divided_where_edges_cut_it()
    {
        double[] edges = [0, 1, 2, 4];

        Counts((0.5, 2.5, 8)).Should().Equal(2, 4, 2);
        Counts((1, 2, 5)).Should().Equal(0, 5, 0);
        Counts((0, 4, 8)).Should().Equal(2, 2, 4);
        Counts((3, 3, 7), (3, 4, 1)).Should().Equal(0, 0, 8);
        // What lies outside belongs to the outermost bins.
        Counts((-1, 1, 6)).Should().Equal(6, 0, 0);
        Counts((3, 5, 6)).Should().Equal(0, 0, 6);
        Counts((5, 6, 6)).Should().Equal(0, 0, 6);
        Counts((-3, -2, 6), (0.5, 1.5, 2)).Should().Equal(7, 1, 0);

        double[] Counts(params (double Low, double High, long Count)[] buckets) => Histogram.Counts(
            new NumericProfile
            {
                Missing = 0,
                Values = [.. buckets.Select(bucket => (bucket.Low + bucket.High) / 2)],
                Counts = [.. buckets.Select(bucket => bucket.Count)],
                Buckets = ([.. buckets.Select(bucket => bucket.Low)], [.. buckets.Select(bucket => bucket.High)]),
                Mean = 0,
                SquaredDeviations = 0,
                Total = buckets.Sum(bucket => bucket.Count),
            },
            edges);
    }

    /// <summary>Up to 20 reference numbers are compared one by one, more in bins.</summary>
    [Theory]
    [InlineData(20, 20)]
    [InlineData(21, 7)]
    public void Shares_are_of_values_while_those_are_few(int distinct, int bins)
    {
        var side = Profiled.Numbers(Enumerable.Range(0, distinct).Select(i => (double)i));

        var (reference, current) = Shares.Of(new ColumnPair(side, side));

        reference.Should().HaveCount(bins).And.Equal(current);
        reference.Sum().Should().BeApproximately(1, 1e-12);
    }

    [Fact]
    public void Empty_bins_are_filled_with_less_than_any_share()
    {
        var few = new ColumnPair(Profiled.Categories(["a", "a", "b", "b"]), Profiled.Categories(["a"]));
        var many = new ColumnPair(
            Profiled.Categories(["b", .. Enumerable.Repeat("a", 9999)]), Profiled.Categories(["c", .. Enumerable.Repeat("a", 9998)]));

        Shares.Filled(few).Reference.Should().Equal(0.5, 0.5);
        Shares.Filled(few).Current.Should().Equal(1, 0.0001);
        Shares.Filled(many).Reference.Should().Equal(0.9999, 0.0001, 0.0001 / 1e6);
        Shares.Filled(many).Current.Should().Equal(9998 / 9999.0, 0.0001, 1 / 9999.0);
    }
}

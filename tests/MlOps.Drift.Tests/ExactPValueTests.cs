using MlOps.Drift.Profiles;
using MlOps.Drift.Statistics;

namespace MlOps.Drift.Tests;

/// <summary>Exact p-values against counting: all orders of two small samples, all walks along the diagonal.</summary>
public sealed class ExactPValueTests
{
    public static TheoryData<int, int> Sizes
    {
        get
        {
            var sizes = new TheoryData<int, int>();
            foreach (var (n, m) in Enumerable.Range(1, 6).SelectMany(n => Enumerable.Range(1, 6).Select(m => (n, m))))
            {
                sizes.Add(n, m);
            }
            return sizes;
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Mann_Whitney_counts_the_orders_with_at_least_as_large_a_U(int n, int m)
    {
        var orders = Orders(n, m).Select(pair => (Pair: pair, U: U(pair))).ToList();
        foreach (var (pair, u) in orders.Where((_, i) => i % 7 == 0))
        {
            MannWhitney.PValue(pair).Should().BeApproximately(orders.Count(other => other.U >= u) / (double)orders.Count, 1e-12);
        }
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Kolmogorov_Smirnov_counts_the_orders_with_at_least_as_large_a_distance(int n, int m)
    {
        var orders = Orders(n, m).Select(pair => (Pair: pair, Distance: Distance(pair))).ToList();
        foreach (var (pair, distance) in orders.Where((_, i) => i % 7 == 0))
        {
            KolmogorovSmirnov.PValue(pair).Should().BeApproximately(orders.Count(other => other.Distance >= distance - 1e-9) / (double)orders.Count, 1e-12);
        }
    }

    [Theory]
    [InlineData(30, 30, 6)]
    [InlineData(60, 24, 11)]
    [InlineData(24, 60, 11)]
    [InlineData(97, 101, 30)]
    [InlineData(300, 7, 3)]
    public void Kolmogorov_Smirnov_counts_the_walks_that_leave_the_band(int n, int m, int moved)
    {
        // The current side is the reference's range with some of its values moved to the top.
        var reference = Enumerable.Range(0, n).Select(i => (i + 0.5) / n);
        var current = Enumerable.Range(0, m).Select(j => ((j + 0.25) / m) + (j < moved ? 2 : 0));
        var pair = new ColumnPair(Profiled.Numbers(reference), Profiled.Numbers(current));

        KolmogorovSmirnov.PValue(pair).Should().BeApproximately(Leaving(n, m, Distance(pair)), 1e-10);
    }

    [Fact]
    public void Equal_samples_are_as_likely_as_can_be()
    {
        var values = Profiled.Numbers([1, 2, 3]);

        KolmogorovSmirnov.PValue(new ColumnPair(values, Profiled.Numbers([1, 1, 2, 2, 3, 3]))).Should().Be(1);
        KolmogorovSmirnov.PValue(new ColumnPair(values, values)).Should().Be(1);
    }

    /// <summary>Above 10,000 values a side, the one-sample distribution at the harmonic size.</summary>
    [Theory]
    [InlineData(10_000, 10_000, true)]
    [InlineData(10_001, 10_000, false)]
    [InlineData(10_000, 10_001, false)]
    public void Large_samples_are_judged_by_the_limit(int n, int m, bool isExact)
    {
        var pair = new ColumnPair(
            Profiled.Numbers(Enumerable.Range(0, n).Select(i => (double)i)), Profiled.Numbers(Enumerable.Range(0, m).Select(i => i + 150.5)));
        var limit = KolmogorovDistribution.UpperTail((long)Math.Round((double)n * m / (n + m), MidpointRounding.ToEven), Distance(pair));

        var p = KolmogorovSmirnov.PValue(pair);

        (p == limit).Should().Be(!isExact);
        p.Should().BeApproximately(limit, 0.02 * limit);
    }

    /// <summary>Exact while one side has at most 8 values and none are tied.</summary>
    [Theory]
    [InlineData(8, 40)]
    [InlineData(40, 8)]
    [InlineData(9, 40)]
    [InlineData(9, 9)]
    public void Mann_Whitney_is_exact_for_a_side_of_up_to_eight_values(int n, int m)
    {
        var pair = new ColumnPair(
            Profiled.Numbers(Enumerable.Range(0, n).Select(i => (double)i)), Profiled.Numbers(Enumerable.Range(0, m).Select(i => (i * 0.9) - 0.05)));
        var u = U(pair);
        var z = (u - (n * m / 2.0) - 0.5) / Math.Sqrt(n * m * (n + m + 1) / 12.0);

        var p = MannWhitney.PValue(pair);

        p.Should().BeApproximately(
            Math.Min(n, m) <= 8 ? WaysOfAtLeast(n, m, (int)u) : MathNet.Numerics.Distributions.Normal.CDF(0, 1, -z), 1e-12);
    }

    [Fact]
    public void Mann_Whitney_of_tied_values_goes_by_the_normal_distribution()
    {
        var pair = new ColumnPair(Profiled.Numbers([1, 2, 2, 3]), Profiled.Numbers([2, 3, 4]));
        // Ranks 1, 3, 3, 3, 5.5, 5.5, 7; those of the reference add up to 12.5, so U is 12 − (12.5 − 10); ties of 3 and of 2 values.
        var deviation = Math.Sqrt(4 * 3 / 12.0 * (8 - ((24 + 6) / 42.0)));

        MannWhitney.PValue(pair).Should().BeApproximately(MathNet.Numerics.Distributions.Normal.CDF(0, 1, -(9.5 - 6 - 0.5) / deviation), 1e-12);
    }

    [Fact]
    public void Mann_Whitney_of_one_value_everywhere_shows_nothing() =>
        MannWhitney.PValue(new ColumnPair(Profiled.Numbers([3, 3, 3]), Profiled.Numbers([3, 3]))).Should().Be(1);

    [Theory]
    [InlineData(new double[] { 1, 1 }, new double[] { 1, 1 }, 1)]
    [InlineData(new double[] { 1, 1 }, new double[] { 2, 2 }, 0)]
    [InlineData(new double[] { 1 }, new double[] { 2 }, 1)]
    [InlineData(new double[] { 1 }, new double[] { 2, 2 }, 0)]
    [InlineData(new double[] { 1, 2 }, new double[] { 1 }, 0.6666666666666667)]
    public void Student_judges_constants_by_whether_they_are_equal(double[] reference, double[] current, double expected) =>
        StudentTTest.PValue(new ColumnPair(Profiled.Numbers(reference), Profiled.Numbers(current))).Should().BeApproximately(expected, 1e-12);

    private static double U(ColumnPair pair) => pair.ReferenceNumbers.Values.Sum(x => pair.CurrentNumbers.Values.Sum(y => y > x ? 1 : y == x ? 0.5 : 0));

    private static double Distance(ColumnPair pair)
    {
        var (a, b) = (pair.ReferenceNumbers.Values, pair.CurrentNumbers.Values);
        return a.Concat(b).Max(x => Math.Abs((UpTo(a, x) / (double)a.Length) - (UpTo(b, x) / (double)b.Length)));
    }

    private static int UpTo(double[] ascending, double x) => Array.BinarySearch(ascending, x) is var place && place >= 0 ? place + 1 : ~place;

    /// <summary>Every order of n reference and m current values.</summary>
    private static IEnumerable<ColumnPair> Orders(int n, int m) =>
        from mask in Enumerable.Range(0, 1 << (n + m))
        where System.Numerics.BitOperations.PopCount((uint)mask) == n
        let places = Enumerable.Range(0, n + m)
        select new ColumnPair(
            Profiled.Numbers(places.Where(i => (mask >> i & 1) == 1).Select(i => (double)i)),
            Profiled.Numbers(places.Where(i => (mask >> i & 1) == 0).Select(i => (double)i)));

    /// <summary>Share of walks from (0, 0) to (n, m) that are somewhere at least so far from the diagonal.</summary>
    private static double Leaving(int n, int m, double distance)
    {
        var within = new double[n + 1, m + 1];
        for (var x = 0; x <= n; x++)
        {
            for (var y = 0; y <= m; y++)
            {
                // A share, not a count: of the walks to here, those by the left come with weight x / (x + y).
                var share = x + y == 0 ? 1 : ((x == 0 ? 0 : within[x - 1, y] * x) + (y == 0 ? 0 : within[x, y - 1] * y)) / (x + y);
                within[x, y] = Math.Abs(((double)x / n) - ((double)y / m)) < distance - 1e-9 ? share : 0;
            }
        }
        return 1 - within[n, m];
    }

    /// <summary>P(U ≥ u): ways[x, y, v] to place x and y values with U = v, the largest value last.</summary>
    private static double WaysOfAtLeast(int n, int m, int u)
    {
        var ways = new double[n + 1, m + 1, (n * m) + 1];
        for (var x = 0; x <= n; x++)
        {
            for (var y = 0; y <= m; y++)
            {
                ways[x, y, 0] = x == 0 || y == 0 ? 1 : ways[x - 1, y, 0];
                for (var v = 1; v <= x * y; v++)
                {
                    ways[x, y, v] = (x == 0 ? 0 : ways[x - 1, y, v]) + (y == 0 || v < x ? 0 : ways[x, y - 1, v - x]);
                }
            }
        }
        var all = Enumerable.Range(0, (n * m) + 1).Select(v => ways[n, m, v]).ToList();
        return all.Skip(u).Sum() / all.Sum();
    }
}

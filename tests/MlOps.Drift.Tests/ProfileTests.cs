using MlOps.Drift.Profiles;
using MlOps.Drift.Statistics;

namespace MlOps.Drift.Tests;

public sealed class ProfileTests
{
    private const int Rows = 60_000;

    [Fact]
    public void Radix_sort_orders_what_comparing_orders()
    {
        var random = new Random(7);
        double[] values =
        [
            .. Enumerable.Range(0, 50_000).Select(_ => (random.NextDouble() - 0.5) * Math.Pow(10, random.Next(-300, 300))), 0, double.MaxValue, double.MinValue,
            double.Epsilon, -double.Epsilon
        ];
        double[] expected = [.. values.Order()];

        RadixSort.Sort(values, new double[values.Length]);

        values.Should().Equal(expected);
    }

    [Fact]
    public void A_profile_keeps_every_value_while_there_are_few_and_counts_what_is_no_number_as_missing()
    {
        var profile = Profiled.Numbers([3, 1, null, 3, double.NaN, double.PositiveInfinity, -0.0, 0.0]);

        profile.Values.Should().Equal(0, 1, 3);
        profile.Counts.Should().Equal(2, 1, 2);
        (profile.Count, profile.Missing, profile.IsExact).Should().Be((5, 3, true));
        (profile.Mean, profile.SquaredDeviations).Should().Be((1.4, 9.2));
    }

    /// <summary>Large offsets, outliers first, and heavy tails are what naive sums and fixed bins fail on.</summary>
    [Theory]
    [InlineData(11, 0, 1)]
    [InlineData(12, 1e9, 1)]
    [InlineData(13, 0, 1e-9)]
    [InlineData(14, 0, 1, 1e9)]
    public void Buckets_of_many_values_give_nearly_the_scores_of_all_values(int seed, double offset, double scale, params double[] outliers)
    {
        var random = new Random(seed);
        double[] reference = [.. outliers, .. Enumerable.Range(0, Rows).Select(_ => offset + (scale * Math.Exp(Normal(random))))];
        double[] current = [.. Enumerable.Range(0, Rows).Select(_ => offset + (scale * Math.Exp(1.05 * Normal(random)) * 1.1))];
        var exact = new ColumnPair(Profiled.Numbers(reference, most: 2 * Rows), Profiled.Numbers(current, most: 2 * Rows));

        var bucketed = new ColumnPair(Profiled.Numbers(reference, most: 2048), Profiled.Numbers(current, most: 2048));

        bucketed.ReferenceNumbers.IsExact.Should().BeFalse();
        bucketed.ReferenceNumbers.Values.Length.Should().BeLessThan(2050);
        bucketed.ReferenceNumbers.Values.Should().BeInAscendingOrder();
        bucketed.ReferenceNumbers.Counts.Sum().Should().Be(reference.Length);
        (bucketed.ReferenceNumbers.Min, bucketed.ReferenceNumbers.Max).Should().Be((exact.ReferenceNumbers.Min, exact.ReferenceNumbers.Max));
        foreach (var test in DriftTests.All.Where(test => !test.IsPValue && test.Kind != DriftTestKind.KullbackLeibler))
        {
            test.Score(bucketed).Should().BeApproximately(test.Score(exact), Math.Max(0.01 * test.Score(exact), 0.0005), $"of {test.Name}");
        }
        StudentTTest.PValue(bucketed).Should().Be(StudentTTest.PValue(exact));
    }

    [Fact]
    public void Categories_beyond_the_limit_are_compared_by_hash()
    {
        var random = new Random(5);
        string[] reference = [.. Enumerable.Range(0, 20_000).Select(_ => $"c{random.Next(3000)}")];
        string[] current = [.. Enumerable.Range(0, 20_000).Select(_ => $"c{random.Next(3000) + 1500}")];
        var exact = new ColumnPair(Profiled.Categories(reference), Profiled.Categories(current));

        var hashed = new ColumnPair(Profiled.Categories(reference, most: 100), Profiled.Categories(current));

        ((CategoryProfile)hashed.Reference).IsExact.Should().BeFalse();
        ((CategoryProfile)hashed.Reference).Hashed!.Sum().Should().Be(20_000);
        JensenShannon.Distance(hashed).Should().BeGreaterThan(0.35).And.BeLessThan(JensenShannon.Distance(exact));
        JensenShannon.Distance(new ColumnPair(hashed.Reference, hashed.Reference)).Should().Be(0);
    }

    [Fact]
    public void A_profile_reads_back_as_it_was_written()
    {
        var random = new Random(3);
        var profile = new TableProfile(new Dictionary<string, ColumnProfile>
        {
            ["exact"] = Profiled.Numbers([1.5, 2, null, 2]),
            ["bucketed"] = Profiled.Numbers(Enumerable.Range(0, 5000).Select(_ => random.NextDouble()), most: 100),
            ["names"] = Profiled.Categories(["a", "b", null, "a"]),
            ["hashed"] = Profiled.Categories(Enumerable.Range(0, 500).Select(i => $"n{i}"), most: 10),
        });
        using var bytes = new MemoryStream();
        ProfileFile.Write(bytes, profile);
        bytes.Position = 0;

        ProfileFile.Read(bytes).Columns.Should().BeEquivalentTo(profile.Columns, options => options.RespectingRuntimeTypes().ComparingRecordsByMembers());
        (bytes.Position, bytes.CanRead).Should().Be((bytes.Length, true), "the stream is its owner's");
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}

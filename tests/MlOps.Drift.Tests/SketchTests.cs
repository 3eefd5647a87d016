using System.Text;
using MlOps.Drift.Profiles;

namespace MlOps.Drift.Tests;

public sealed class SketchTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 12)];

    /// <summary>Parts of a table, joined: as if the table had been profiled at once.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Parts_that_keep_every_value_join_to_the_profile_of_the_whole(int seed)
    {
        var random = new Random(seed);
        double?[][] numbers = [.. Enumerable.Range(0, 4).Select(_ => Cells<double?>(random, () => random.Next(-9, 9) / 2.0))];
        string?[][] names = [.. Enumerable.Range(0, 4).Select(_ => Cells<string?>(random, () => $"ä{random.Next(9)}"))];
        var joiner = new ProfileJoiner([("number", true), ("name", false)], rows: 100);

        foreach (var (number, name) in numbers.Zip(names))
        {
            joiner.Add(new TableProfile(new Dictionary<string, ColumnProfile>
            {
                ["number"] = Profiled.Numbers(number),
                ["name"] = Profiled.Categories(name),
            }));
        }

        var joined = joiner.Finish().Columns;
        var whole = Profiled.Numbers(numbers.SelectMany(part => part));
        joined["number"].Should().BeEquivalentTo(
            whole,
            options => options.ComparingRecordsByMembers().Using<double>(c => c.Subject.Should().BeApproximately(c.Expectation, 1e-9)).WhenTypeIs<double>(),
            $"seed {seed}");
        joined["name"].Should().BeEquivalentTo(
            Profiled.Categories(names.SelectMany(part => part)), options => options.ComparingRecordsByMembers(), $"seed {seed}");
    }

    /// <summary>Whatever is joined, nothing is lost: counts, extremes and moments are exact, the buckets ordered, narrow and as few as agreed.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Buckets_keep_counts_extremes_and_moments(int seed)
    {
        const int Most = 200;
        var random = new Random(seed);
        double[][] parts = [.. Enumerable.Range(0, 3).Select(_ => Enumerable.Range(0, random.Next(1, 5000)).Select(_ => Draw(random)).ToArray())];
        double[] all = [.. parts.SelectMany(part => part).Order()];
        var sketch = new NumericSketch(Most, rows: 100);

        // The first part value by value, the others as profiles of their own.
        foreach (var value in parts[0])
        {
            sketch.Add(value);
        }
        foreach (var part in parts[1..])
        {
            sketch.Add(Profiled.Numbers(part, Most));
        }

        var profile = sketch.Finish();
        var mean = all.Average();
        (profile.Total, profile.Counts.Sum(), profile.Min, profile.Max).Should().Be((all.Length, all.Length, all[0], all[^1]));
        profile.Mean.Should().BeApproximately(mean, 1e-9);
        profile.SquaredDeviations.Should().BeApproximately(all.Sum(value => (value - mean) * (value - mean)), 1e-9 * all.Length * 100);
        profile.Values.Should().BeInAscendingOrder().And.HaveCountLessThanOrEqualTo(Most);
        if (profile.Buckets is { } buckets)
        {
            profile.Values.Zip(profile.Counts, (value, count) => value * count).Sum().Should().BeApproximately(all.Sum(), 1e-6);
            profile.Values.Select((value, i) => buckets.Low[i] <= value && value <= buckets.High[i]).Should().NotContain(false);
            RankErrors(profile, all).Max().Should().BeLessThan(0.02, $"seed {seed}");
        }
    }

    [Fact]
    public void A_bucket_weighs_the_less_the_nearer_it_is_to_an_end()
    {
        const int Most = 100;
        var profile = Profiled.Numbers(Enumerable.Range(0, 50_000).Select(i => (double)(i * 7919L % 50_000)), Most);

        profile.IsExact.Should().BeFalse();
        profile.Values.Length.Should().BeInRange(Most / 3, Most);
        double before = 0;
        for (var i = 0; i < profile.Counts.Length; i++)
        {
            var q = (before + (profile.Counts[i] / 2.0)) / profile.Total;
            profile.Counts[i].Should().BeLessThanOrEqualTo((long)Math.Max(1, 2 * Math.PI / Most * profile.Total * Math.Sqrt(q * (1 - q))));
            before += profile.Counts[i];
        }
    }

    [Fact]
    public void As_many_values_as_may_be_kept_are_kept_and_one_more_is_not()
    {
        Profiled.Numbers(Enumerable.Range(0, 100).Select(i => (double)i), most: 100).IsExact.Should().BeTrue();
        Profiled.Numbers(Enumerable.Range(0, 101).Select(i => (double)i), most: 100).IsExact.Should().BeFalse();
        Joined(100).IsExact.Should().BeTrue();
        Joined(101).IsExact.Should().BeFalse();
        Joined(101).Values.Length.Should().BeLessThanOrEqualTo(100);

        static NumericProfile Joined(int distinct)
        {
            var sketch = new NumericSketch(100, rows: 1000);
            foreach (var half in Enumerable.Range(0, distinct).Chunk(60))
            {
                sketch.Add(Profiled.Numbers(half.Select(i => (double)i)));
            }
            return sketch.Finish();
        }
    }

    [Fact]
    public void A_profile_of_buckets_makes_the_joined_one_of_buckets()
    {
        var sketch = new NumericSketch(1000, rows: 10);
        sketch.Add(5);
        sketch.AddMissing();

        sketch.Add(Profiled.Numbers([.. Enumerable.Range(0, 50).Select(i => (double?)i), null], most: 20));

        var profile = sketch.Finish();
        (profile.IsExact, profile.Total, profile.Missing, profile.Min, profile.Max).Should().Be((false, 51, 2, 0, 49));
    }

    [Fact]
    public void A_profile_without_values_adds_its_missing_cells_only()
    {
        var sketch = new NumericSketch(10, rows: 1);
        sketch.Add(Profiled.Numbers([null, null]));
        sketch.Finish().Should().BeEquivalentTo(
            new { Missing = 2, Total = 0, Mean = 0.0, SquaredDeviations = 0.0, IsExact = true, Values = Array.Empty<double>() });

        sketch.Add(4);
        sketch.Add(Profiled.Numbers([null]));

        sketch.Finish().Should().BeEquivalentTo(new { Missing = 3, Total = 1, Mean = 4.0, Values = new[] { 4.0 } });
    }

    [Theory]
    [InlineData(1023)]
    [InlineData(1024)]
    [InlineData(1025)]
    [InlineData(5000)]
    public void Radix_sort_orders_any_number_of_values(int length)
    {
        var random = new Random(length);
        Func<double>[] draws =
        [
            () => random.NextDouble() - 0.5,
            () => random.Next(-3, 3),
            () => BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)) is var any && double.IsNaN(any) ? 0 : any,
            () => 17,
            () => random.Next(2) == 0 ? double.NegativeInfinity : double.PositiveInfinity,
        ];
        foreach (var draw in draws)
        {
            double[] values = [.. Enumerable.Range(0, length).Select(_ => draw())];
            double[] expected = [.. values.Order()];

            RadixSort.Sort(values, new double[length + 10]);

            values.Should().Equal(expected);
        }
    }

    [Theory]
    [InlineData(1, 65_536)]
    [InlineData(30, 65_536)]
    [InlineData(31, 64_516)]
    [InlineData(976, 2049)]
    [InlineData(2000, 2048)]
    public void A_column_keeps_fewer_entries_the_more_columns_there_are(int columns, int entries) =>
        ProfileSize.EntriesOfColumn(columns).Should().Be(entries);

    [Fact]
    public void A_constant_is_its_own_mean_and_zero_has_no_sign()
    {
        Profiled.Numbers([0.1, 0.1, 0.1]).Mean.Should().Be(0.1);
        double.IsNegative(Profiled.Numbers([-0.0]).Values[0]).Should().BeFalse();
    }

    [Fact]
    public void Once_counted_by_hash_no_more_names_are_kept()
    {
        Profiled.Categories(Enumerable.Range(0, 500).Select(i => $"n{i}"), most: 10).Counts.Should().HaveCount(11);

        var joined = new CategoryCounter(3);
        joined.Add(Profiled.Categories(["a", "b", "c"]));
        joined.Finish().IsExact.Should().BeTrue();
    }

    [Fact]
    public void Categories_are_kept_by_name_up_to_the_limit()
    {
        Profiled.Categories(["a", "b", "a", "c"], most: 3).Should().BeEquivalentTo(
            new { IsExact = true, Count = 4, Counts = new Dictionary<string, long> { ["a"] = 2, ["b"] = 1, ["c"] = 1 } });
        Profiled.Categories(["a", "b", "a", "c"], most: 2).IsExact.Should().BeFalse();
    }

    /// <summary>Names of one length in characters and another in bytes, short and long, that differ at the end only.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(1000)]
    public void Categories_are_told_apart_by_every_character(int length)
    {
        string[] names = [.. "aäа界".Select(last => new string('界', length - 1) + last)];

        Profiled.Categories([.. names, .. names[..2]]).Counts.Should().BeEquivalentTo(
            names.Select((name, i) => (name, times: i < 2 ? 2L : 1L)).ToDictionary(pair => pair.name, pair => pair.times));
    }

    /// <summary>Whichever side of a join was counted by hash, the joined one is, with the same bucket for the same category.</summary>
    [Theory]
    [InlineData(20, 20)]
    [InlineData(20, 1000)]
    [InlineData(1000, 20)]
    [InlineData(60, 60)]
    public void Counts_by_hash_join_to_those_of_the_whole(int mostOfFirst, int mostOfSecond)
    {
        string[] first = [.. Enumerable.Range(0, 50).Select(i => $"n{i}")], second = [.. Enumerable.Range(25, 50).Select(i => $"n{i}")];
        var counter = new CategoryCounter(mostOfFirst);
        foreach (var name in first)
        {
            counter.Add(Encoding.UTF8.GetBytes(name));
        }

        counter.Add(Profiled.Categories([.. second, null], mostOfSecond));

        var joined = counter.Finish();
        (joined.IsExact, joined.Count, joined.Missing).Should().Be((false, 100, 1));
        joined.Hashed.Should().Equal(CategoryHash.Counts(Profiled.Categories([.. first, .. second])));
        counter.Add("n1"u8);
        counter.Finish().Hashed!.Sum().Should().Be(101);
    }

    /// <summary>A column's part: up to 39 cells, a sixth of them missing.</summary>
    private static T?[] Cells<T>(Random random, Func<T> draw) =>
        [.. Enumerable.Range(0, random.Next(40)).Select(_ => random.Next(6) == 0 ? default : draw())];

    /// <summary>Some values many times, others once; far outliers.</summary>
    private static double Draw(Random random) => random.Next(4) switch
    {
        0 => random.Next(5),
        1 => -Math.Log(1 - random.NextDouble()),
        2 => random.NextDouble() * 8,
        _ => random.Next(200) == 0 ? 100 * random.NextDouble() : random.NextDouble(),
    };

    /// <summary>How far a profile's share of values up to each bucket's end is from the true one.</summary>
    private static IEnumerable<double> RankErrors(NumericProfile profile, double[] sorted)
    {
        var before = 0L;
        for (var i = 0; i < profile.Values.Length; i++)
        {
            before += profile.Counts[i];
            yield return Math.Abs(before - sorted.Count(value => value <= profile.Buckets!.Value.High[i])) / (double)sorted.Length;
        }
    }
}

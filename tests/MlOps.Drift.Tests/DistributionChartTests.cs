using MlOps.Drift.Profiles;

namespace MlOps.Drift.Tests;

public sealed class DistributionChartTests
{
    [Fact]
    public void Numbers_are_shown_in_24_bins_over_both_sides()
    {
        var reference = Profiled.Numbers(Enumerable.Range(0, 25).Select(i => (double)i));
        var current = Profiled.Numbers([24, 24, 12, -24]);

        var chart = DistributionChart.Of(new ColumnPair(reference, current));

        chart.Labels.Should().Equal(Enumerable.Range(0, 25).Select(i => (-24 + (2 * i)).ToString(System.Globalization.CultureInfo.InvariantCulture)));
        // Bin 12 starts at 0 and is the first with a reference value; the last bin holds its upper edge.
        chart.Reference.Should().Equal(Enumerable.Range(0, 24).Select(bin => bin < 12 ? 0 : bin == 23 ? 3 / 25.0 : 2 / 25.0));
        chart.Current.Should().Equal(Enumerable.Range(0, 24).Select(bin => bin switch { 0 or 18 => 0.25, 23 => 0.5, _ => 0 }));
    }

    [Fact]
    public void The_outermost_half_percents_share_the_first_and_last_bin()
    {
        // Of 1000 values, the 5th smallest and the 5th from the top are 0 and 240.
        double[] values = [-1e6, -1e5, -1e4, -1e3, .. Enumerable.Repeat(0.0, 496), .. Enumerable.Repeat(240.0, 495), 241, 1e3, 1e4, 1e5, 1e6];

        NumericProfile wide = Profiled.Numbers(values), narrow = Profiled.Numbers([100, 140]);

        var (reference, current) = (DistributionChart.Of(new ColumnPair(wide, narrow)), DistributionChart.Of(new ColumnPair(narrow, wide)));

        foreach (var chart in new[] { reference, current })
        {
            (chart.Labels[0], chart.Labels[1], chart.Labels[^1]).Should().Be(("0", "10", "240"));
        }
        (reference.Reference[0], reference.Reference[^1]).Should().Be((0.5, 0.5));
        (current.Current[0], current.Current[^1]).Should().Be((0.5, 0.5));
    }

    [Fact]
    public void Edges_are_told_with_five_digits()
    {
        var third = Profiled.Numbers([0, 1 / 3.0]);

        DistributionChart.Of(new ColumnPair(third, third)).Labels.Should().StartWith(["0", "0.013889", "0.027778"]).And.EndWith("0.33333");
    }

    [Fact]
    public void A_constant_is_in_the_middle_of_bins_of_width_one()
    {
        var constant = Profiled.Numbers([7, 7]);

        var chart = DistributionChart.Of(new ColumnPair(constant, constant));

        (chart.Labels[0], chart.Labels[^1]).Should().Be(("6.5", "7.5"));
        chart.Reference.Should().HaveCount(24).And.Equal(chart.Current).And.HaveElementAt(12, 1);
    }

    [Fact]
    public void Categories_are_shown_by_their_larger_share_and_all_that_are_known_need_no_others()
    {
        var chart = DistributionChart.Of(new ColumnPair(Profiled.Categories(["b", "b", "a", "c"]), Profiled.Categories(["c", "c", "d"])));

        chart.Labels.Should().Equal("c", "b", "d", "a");
        chart.Reference.Should().Equal(0.25, 0.5, 0, 0.25);
        chart.Current.Should().Equal(0.66667, 0, 0.33333, 0);
    }

    [Theory]
    [InlineData(12, false)]
    [InlineData(13, true)]
    public void Twelve_categories_are_shown_and_the_others_together(int categories, bool hasOthers)
    {
        string[] names = [.. Enumerable.Range(0, categories).Select(i => $"c{i:D2}")];
        CategoryProfile all = Profiled.Categories(names), one = Profiled.Categories(["c00"]);

        foreach (var (then, now) in new[] { (all, one), (one, all) })
        {
            var chart = DistributionChart.Of(new ColumnPair(then, now));

            chart.Labels.Should().Equal([.. names.Take(12), .. hasOthers ? ["all others"] : Array.Empty<string>()]);
            (then == all ? chart.Reference : chart.Current).Should().Equal(Enumerable.Repeat(Math.Round(1.0 / categories, 5), chart.Labels.Count));
            (then == all ? chart.Current : chart.Reference).Should().Equal(Enumerable.Range(0, chart.Labels.Count).Select(i => i == 0 ? 1.0 : 0));
        }
    }

    [Fact]
    public void Long_labels_end_after_40_characters()
    {
        var (longest, tooLong) = (new string('x', 40), new string('y', 41));

        var chart = DistributionChart.Of(new ColumnPair(Profiled.Categories([longest, tooLong]), Profiled.Categories([longest, tooLong])));

        chart.Labels.Should().Equal(longest, new string('y', 40) + "…");
    }
}

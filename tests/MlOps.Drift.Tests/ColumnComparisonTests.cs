using MlOps.Drift.Profiles;

namespace MlOps.Drift.Tests;

public sealed class ColumnComparisonTests
{
    private static readonly NumericProfile OneToTen = Profiled.Numbers(Enumerable.Range(1, 10).Select(i => (double)i));

    [Fact]
    public void A_column_that_is_numeric_on_one_side_only_has_drifted()
    {
        var names = Profiled.Categories(["a", "b", null]);

        var (toNames, toNumbers) = (Compare(OneToTen, names), Compare(names, OneToTen));

        toNames.Should().BeEquivalentTo(new
        {
            Column = "c",
            Kind = "categorical",
            Drifted = true,
            Strength = double.MaxValue,
            Note = "The reference side is numeric.",
            Test = (string?)null,
            Score = (double?)null,
        });
        toNames.Current.Should().Be(new ColumnSide(2, 1));
        (toNumbers.Kind, toNumbers.Drifted, toNumbers.Note).Should().Be(("numeric", true, "The reference side is categorical."));
    }

    [Fact]
    public void A_side_without_a_value_is_drift_unless_both_are()
    {
        NumericProfile nothing = Profiled.Numbers([null, double.NaN]), less = Profiled.Numbers([null]);

        var (gone, come, never) = (Compare(OneToTen, nothing), Compare(nothing, OneToTen), Compare(nothing, less));

        (gone.Drifted, gone.Strength, gone.Note).Should().Be((true, double.MaxValue, "Every value is missing now."));
        (come.Drifted, come.Strength, come.Note).Should().Be((true, double.MaxValue, "Every value is missing in the reference."));
        (never.Drifted, never.Strength, never.Note).Should().Be((false, 0, "Every value is missing on both sides."));
        never.Reference.Should().Be(new ColumnSide(0, 2));
        gone.Distribution.Should().BeNull();
    }

    [Fact]
    public void Sides_have_counts_and_numbers_their_moments_too()
    {
        var drift = Compare(Profiled.Numbers([2, 4, null, 6]), OneToTen);

        drift.Kind.Should().Be("numeric");
        drift.Reference.Should().Be(new ColumnSide(3, 1, Mean: 4, Deviation: Math.Sqrt(8 / 3.0), Min: 2, Max: 6));
        drift.Current.Should().Be(new ColumnSide(10, 0, Mean: 5.5, Deviation: Math.Sqrt(8.25), Min: 1, Max: 10));
        drift.Distribution.Should().NotBeNull();
        (drift.NewCategories, drift.LostCategories, drift.NewExamples).Should().Be((null, null, null));
    }

    [Fact]
    public void Without_a_rule_the_default_test_judges_by_its_own_threshold()
    {
        var drift = Compare(OneToTen, Profiled.Numbers(Enumerable.Range(101, 10).Select(i => (double)i)));

        (drift.Test, drift.Title, drift.Threshold, drift.Rule).Should().Be(("ks", "Kolmogorov-Smirnov p-value", 0.05, "p ≤ 0.05"));
        drift.Drifted.Should().BeTrue();
        // Of all ways to order ten and ten values, two part them.
        drift.Score.Should().BeApproximately(2 / 184756.0, 1e-15);
        drift.Strength.Should().BeApproximately(0.05 / (2 / 184756.0), 1e-6);
        drift.Note.Should().BeNull();
    }

    [Theory]
    [InlineData(DriftTestKind.ChiSquare, 0.01, "p < 0.01")]
    [InlineData(DriftTestKind.Wasserstein, 2.5, "distance ≥ 2.5")]
    [InlineData(DriftTestKind.Energy, 0.3, "distance > 0.3")]
    [InlineData(DriftTestKind.KolmogorovSmirnov, 0.2, "p ≤ 0.2")]
    public void A_rule_names_test_and_threshold(DriftTestKind test, double threshold, string rule)
    {
        var current = Profiled.Numbers([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10]);

        var drift = Compare(OneToTen, current, new DriftRule(test, threshold));

        var score = DriftTests.Of(test).Score(new ColumnPair(OneToTen, current));
        (drift.Test, drift.Threshold, drift.Rule, drift.Score).Should().Be((DriftTests.Of(test).Name, threshold, rule, score));
        drift.Strength.Should().Be(rule[0] == 'p' ? threshold / score : score / threshold);
    }

    [Fact]
    public void A_threshold_alone_goes_with_the_default_test()
    {
        var drift = Compare(OneToTen, OneToTen, new DriftRule(Threshold: 1));

        (drift.Test, drift.Score, drift.Threshold, drift.Drifted, drift.Strength).Should().Be(("ks", 1, 1, true, 1));
    }

    [Fact]
    public void A_test_of_numbers_gives_way_on_categories_and_takes_its_threshold_along()
    {
        CategoryProfile then = Profiled.Categories(["a", "b", "c", "a"]), now = Profiled.Categories(["a", "b", "c", "a"]);

        var drift = Compare(then, now, new DriftRule(DriftTestKind.Wasserstein, 3));

        (drift.Test, drift.Threshold, drift.Drifted).Should().Be(("chisquare", 0.05, false));
        drift.Note.Should().Be("The declared test wasserstein needs numbers; the default was used.");
        Compare(then, now, new DriftRule(DriftTestKind.PopulationStability, 3)).Note.Should().BeNull();
    }

    [Fact]
    public void A_score_that_is_undefined_shows_no_drift()
    {
        var extreme = Profiled.Numbers([-1.7e308, 1.7e308]);

        var drift = Compare(extreme, OneToTen, new DriftRule(DriftTestKind.Wasserstein));

        (drift.Score, drift.Drifted, drift.Strength).Should().Be((null, false, 0));
        drift.Note.Should().Be("The score is undefined on these values, which shows no drift.");
    }

    [Fact]
    public void Strength_stays_finite_where_a_p_value_or_a_threshold_is_zero()
    {
        NumericProfile ones = Profiled.Numbers([1, 1, 1]), twos = Profiled.Numbers([2, 2, 2]);

        Compare(ones, twos, new DriftRule(DriftTestKind.StudentT)).Strength.Should().Be(0.05 / 1e-300);
        Compare(ones, twos, new DriftRule(DriftTestKind.Energy, 0)).Strength.Should().Be(Math.Sqrt(2) / 1e-12);
    }

    [Fact]
    public void New_and_lost_categories_are_counted_and_the_most_frequent_new_ones_shown()
    {
        string[] then = ["kept", "lost", "gone"];
        string[] now = ["kept", .. Enumerable.Range(0, 12).SelectMany(i => Enumerable.Repeat($"n{i:D2}", i < 2 ? 2 : 1)), "n11", "n11"];

        var drift = Compare(Profiled.Categories(then), Profiled.Categories(now));

        (drift.NewCategories, drift.LostCategories).Should().Be((12, 2));
        drift.NewExamples.Should().Equal("n11", "n00", "n01", "n02", "n03", "n04", "n05", "n06", "n07", "n08");
        drift.Kind.Should().Be("categorical");
        var same = Compare(Profiled.Categories(then), Profiled.Categories(then));
        (same.NewCategories, same.LostCategories, same.NewExamples).Should().Be((0, 0, null));
    }

    [Theory]
    [InlineData(10, Profiled.Most)]
    [InlineData(Profiled.Most, 10)]
    public void Too_many_categories_to_keep_are_neither_new_nor_lost(int mostThen, int mostNow)
    {
        var names = Enumerable.Range(0, 50).Select(i => $"n{i}").ToList();

        var drift = Compare(Profiled.Categories(names, mostThen), Profiled.Categories(names, mostNow));

        (drift.NewCategories, drift.LostCategories).Should().Be((null, null));
        drift.Note.Should().Be("Too many categories to keep: compared in 4096 hash buckets.");
        drift.Score.Should().Be(1);
    }

    private static ColumnDrift Compare(ColumnProfile reference, ColumnProfile current, DriftRule? rule = null) =>
        ColumnComparison.Compare("c", reference, current, rule);

    [Fact]
    public void A_new_value_that_alone_makes_p_zero_is_told()
    {
        var reference = Profiled.Categories(Enumerable.Range(0, 500).Select(i => $"c{i % 4}"));
        var same = Profiled.Categories(Enumerable.Range(0, 400).Select(i => $"c{i % 4}"));
        var other = Profiled.Categories(Enumerable.Range(0, 400).Select(i => i == 7 ? "rare" : $"c{i % 4}"));

        ColumnComparison.Compare("a", reference, same, rule: null).Note.Should().BeNull();
        var drift = ColumnComparison.Compare("a", reference, other, rule: null);

        (drift.Test, drift.Score, drift.Drifted).Should().Be(("chisquare", 0, true));
        drift.Note.Should().StartWith("1 of 400 rows has a value that the reference does not have");
        var calm = ColumnComparison.Compare("a", reference, other, new DriftRule(DriftTestKind.JensenShannon));
        (calm.Drifted, calm.Note).Should().Be((false, null));
    }
}

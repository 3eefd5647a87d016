using MlOps.Drift.Profiles;

namespace MlOps.Drift.Tests;

public sealed class DriftTestsTests
{
    [Fact]
    public void Every_test_is_found_by_its_kind_and_has_names_of_its_own()
    {
        DriftTests.All.Select(test => test.Kind).Should().Equal(Enum.GetValues<DriftTestKind>());
        DriftTests.All.Select(test => DriftTests.Of(test.Kind)).Should().Equal(DriftTests.All);
        DriftTests.All.Select(test => test.Title).Should().OnlyHaveUniqueItems().And.NotContain("");
        DriftTests.All.Where(test => test.IsPValue).Select(test => test.Name).Should().Equal("ks", "chisquare", "z", "t_test", "mannw");
        DriftTests.All.Where(test => test.NeedsNumbers).Select(test => test.Name).Should().Equal("ks", "wasserstein", "t_test", "mannw", "ed");
    }

    [Theory]
    [InlineData(DriftTestKind.KolmogorovSmirnov, true, true, false)]
    [InlineData(DriftTestKind.ChiSquare, true, false, false)]
    [InlineData(DriftTestKind.Wasserstein, false, true, true)]
    [InlineData(DriftTestKind.Energy, false, false, true)]
    public void The_threshold_itself_is_on_the_side_that_Evidently_chose(DriftTestKind kind, bool below, bool at, bool above)
    {
        var test = DriftTests.Of(kind);

        (test.Drifts(0.4, 0.5), test.Drifts(0.5, 0.5), test.Drifts(0.6, 0.5), test.Drifts(double.NaN, 0.5)).Should().Be((below, at, above, false));
    }

    [Theory]
    [InlineData(1000, 6, "ks")]
    [InlineData(1000, 5, "chisquare")]
    [InlineData(1000, 3, "chisquare")]
    [InlineData(1000, 2, "z")]
    [InlineData(1001, 6, "wasserstein")]
    [InlineData(1001, 5, "jensenshannon")]
    [InlineData(1001, 2, "jensenshannon")]
    public void The_default_test_is_chosen_by_reference_values_and_distinct_numbers(int values, int distinct, string name)
    {
        var reference = Profiled.Numbers(Enumerable.Range(0, values).Select(i => (double)(i % (distinct - 1))));
        // One more number on the other side.
        var current = Profiled.Numbers(Enumerable.Range(0, 5000).Select(i => (double)(i % distinct)));

        DriftTests.Default(new ColumnPair(reference, current)).Name.Should().Be(name);
    }

    [Theory]
    [InlineData(1000, 6, "chisquare")]
    [InlineData(1000, 2, "z")]
    [InlineData(1001, 6, "jensenshannon")]
    public void Categories_are_never_taken_for_numbers(int values, int distinct, string name)
    {
        var side = Profiled.Categories(Enumerable.Range(0, values).Select(i => $"{i % distinct}"));

        DriftTests.Default(new ColumnPair(side, side)).Name.Should().Be(name);
    }

    [Fact]
    public void Values_too_many_to_keep_are_many_numbers()
    {
        var bucketed = Profiled.Numbers(Enumerable.Range(0, 500).Select(i => (double)i), most: 4);
        var few = Profiled.Numbers([1, 2]);

        new ColumnPair(bucketed, few).CountDistinct().Should().Be(502);
        new ColumnPair(few, bucketed).CountDistinct().Should().Be(502);
        DriftTests.Default(new ColumnPair(bucketed, few)).Name.Should().Be("ks");
    }

    [Fact]
    public void Sides_of_different_kinds_cannot_be_aligned()
    {
        var align = () => new ColumnPair(Profiled.Numbers([1]), Profiled.Categories(["a"])).AlignCounts();

        align.Should().Throw<InvalidOperationException>().WithMessage("*different kinds*");
    }
}

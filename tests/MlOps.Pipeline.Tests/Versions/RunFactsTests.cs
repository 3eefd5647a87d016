using MlOps.Pipeline.Versions;

namespace MlOps.Pipeline.Tests.Versions;

public sealed class RunFactsTests
{
    private static readonly RunFact[] First =
        [new("rows of raw", "10"), new("part 0 of raw", "aa"), new("model.zip of 0-sdca", "bb"), new("metric val_rmse", "1.5")];

    [Fact]
    public void Of_several_facts_that_differ_the_first_of_the_run_is_named()
    {
        RunFact[] second = [new("metric val_rmse", "1.6"), new("model.zip of 0-sdca", "cc"), new("part 0 of raw", "aa"), new("rows of raw", "10")];

        var compared = RunFacts.Compare(First, second, error: null);

        compared.Difference.Should().Be(new FactDifference("model.zip of 0-sdca", "bb", "cc"));
        compared.Sentences.Should().Equal("Not the same. The first difference: model.zip of 0-sdca was bb, and is cc now.");
    }

    [Fact]
    public void A_fact_that_is_missing_the_second_time_is_named_and_so_is_what_it_failed_with()
    {
        var compared = RunFacts.Compare(First, First[..2], "No memory.");

        compared.Difference.Should().Be(new FactDifference("model.zip of 0-sdca", "bb", Is: null));
        compared.Sentences.Should().Equal(
            "The run failed this time: No memory.", "Not the same. The first difference: model.zip of 0-sdca was bb, and is missing now.");
    }

    [Fact]
    public void A_fact_that_only_the_second_time_has_is_a_difference_too()
    {
        var compared = RunFacts.Compare(First, [.. First, new("train rows", "8")], error: null);

        compared.Difference.Should().Be(new FactDifference("train rows", Was: null, "8"));
        compared.Sentences.Should().Equal("Not the same. The first difference: train rows was missing, and is 8 now.");
    }

    [Fact]
    public void The_same_facts_are_the_same() => RunFacts.Compare(First, [.. First.Reverse()], error: null).Difference.Should().BeNull();
}


namespace MlOps.Explain.Tests;

public sealed class QuickScorerTests
{
    private const int Rows = 64;

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Predictions_are_those_of_walking_down_the_trees_missing_values_included(int seed)
    {
        var made = new RandomTrees(seed, slots: 9, trees: 30, depth: 5, Rows);
        var scorer = QuickScorer.Of(made.Ensemble)!;
        var sums = new double[Rows];

        scorer.Predict(ByColumn(made, scorer), sums);

        sums.Should().Equal(Enumerable.Range(0, Rows).Select(row => made.Ensemble.Predict(made.Row(row))), $"seed {seed}");
    }

    [Fact]
    public void A_tree_of_one_leaf_adds_its_value()
    {
        var ensemble =
            new TreeEnsemble { Roots = [0], Slot = [TreeEnsemble.Leaf], Threshold = [0], Left = [0], Right = [0], MissingLeft = [false], Value = [2.5], Base = 1 };
        var sums = new double[QuickScorer.Lanes];

        QuickScorer.Of(ensemble)!.Predict([], sums);

        sums.Should().AllSatisfy(sum => sum.Should().Be(3.5));
    }

    [Fact]
    public void Trees_of_more_leaves_than_bits_are_left_to_others()
    {
        var full = Enumerable.Range(1, 50).Select(seed => new RandomTrees(seed, slots: 9, trees: 1, depth: 7, rows: 1).Ensemble);

        foreach (var ensemble in full)
        {
            var leaves = ensemble.Slot.Count(slot => slot == TreeEnsemble.Leaf);
            (QuickScorer.Of(ensemble) is not null).Should().Be(leaves <= 32, $"it has {leaves} leaves");
        }
    }

    private static float[] ByColumn(RandomTrees made, QuickScorer scorer) =>
        [.. scorer.Slots.SelectMany(slot => Enumerable.Range(0, Rows).Select(row => made.Row(row)[slot]))];
}

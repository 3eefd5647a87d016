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
        sums.Should().Equal(Enumerable.Range(0, Rows).Select(row => scorer.PredictOne(Values(made.Row(row), scorer))), $"seed {seed}");
    }

    [Fact]
    public void A_tree_of_one_leaf_adds_its_value()
    {
        var ensemble = ShapedTrees.Leaf(2.5).Linear(1, 1);
        var sums = new double[QuickScorer.Lanes];

        QuickScorer.Of(ensemble)!.Predict([], sums);

        sums.Should().AllSatisfy(sum => sum.Should().Be(3.5));
        QuickScorer.Of(ensemble)!.PredictOne([]).Should().Be(3.5);
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

    [Theory]
    [InlineData(31)]
    [InlineData(31, 31, 0)]
    public void A_tree_may_have_32_leaves(params int[] splits)
    {
        var ensemble = ShapedTrees.Chains(splits);
        var scorer = QuickScorer.Of(ensemble)!;
        scorer.Slots.Should().Equal(Enumerable.Range(0, 31));
        // Row i goes right at the first i splits.
        float[][] rows = [.. Enumerable.Range(0, 32).Select(row => Enumerable.Range(0, 31).Select(slot => slot < row ? 1f : -1f).ToArray())];
        var sums = new double[32];

        scorer.Predict([.. scorer.Slots.SelectMany(slot => rows.Select(row => row[slot]))], sums);

        sums.Should().Equal(rows.Select(row => ensemble.Predict(row)));
        sums.Should().OnlyHaveUniqueItems();
        rows.Select(row => scorer.PredictOne(Values(row, scorer))).Should().Equal(sums);
    }

    [Theory]
    [InlineData(32)]
    [InlineData(32, 1)]
    [InlineData(1, 32)]
    public void One_tree_of_33_leaves_is_one_too_many(params int[] splits) => QuickScorer.Of(ShapedTrees.Chains(splits)).Should().BeNull();

    [Fact]
    public void Columns_are_the_slots_in_use_ascending()
    {
        var made = new RandomTrees(seed: 3, slots: 40, trees: 3, depth: 4, rows: 1);

        QuickScorer.Of(made.Ensemble)!.Slots.Should().BeInAscendingOrder().And.OnlyHaveUniqueItems()
            .And.BeEquivalentTo(made.Ensemble.Slot.Where(slot => slot != TreeEnsemble.Leaf).Distinct());
    }

    [Fact]
    public void Rows_come_in_eights_and_with_all_their_columns()
    {
        var scorer = QuickScorer.Of(ShapedTrees.Chains(2))!;
        var odd = () => scorer.Predict(new float[100], new double[12]);
        var narrow = () => scorer.Predict(new float[31], new double[16]);
        var enough = () => scorer.Predict(new float[32], new double[16]);

        odd.Should().Throw<ArgumentOutOfRangeException>().WithParameterName("sums");
        narrow.Should().Throw<ArgumentOutOfRangeException>().WithParameterName("block");
        enough.Should().NotThrow();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void One_row_comes_with_its_columns(int values)
    {
        var one = () => QuickScorer.Of(ShapedTrees.Chains(2))!.PredictOne(new float[values]);

        one.Should().Throw<ArgumentOutOfRangeException>().WithParameterName("row");
    }

    [Fact]
    public void There_may_be_thousands_of_trees()
    {
        var ensemble = ShapedTrees.Chains([.. Enumerable.Repeat(3, 5000)]);
        var scorer = QuickScorer.Of(ensemble)!;
        float[][] rows = [[-1, -1, -1], [1, -1, 1], [1, 1, float.NaN], [1, 1, 1]];

        rows.Select(row => scorer.PredictOne(row)).Should().Equal(rows.Select(row => ensemble.Predict(row)));
    }

    private static float[] Values(ReadOnlySpan<float> row, QuickScorer scorer)
    {
        var values = new float[scorer.Slots.Length];
        for (var place = 0; place < values.Length; place++)
        {
            values[place] = row[scorer.Slots[place]];
        }
        return values;
    }

    private static float[] ByColumn(RandomTrees made, QuickScorer scorer) =>
        [.. scorer.Slots.SelectMany(slot => Enumerable.Range(0, Rows).Select(row => made.Row(row)[slot]))];
}

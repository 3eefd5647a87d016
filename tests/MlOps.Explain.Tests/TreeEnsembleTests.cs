namespace MlOps.Explain.Tests;

public sealed class TreeEnsembleTests
{
    [Fact]
    public void A_row_goes_left_up_to_the_threshold_and_a_missing_value_where_the_split_says()
    {
        var stump = new TreeEnsemble
        {
            Roots = [0, 3],
            Slot = [0, TreeEnsemble.Leaf, TreeEnsemble.Leaf, 1, TreeEnsemble.Leaf, TreeEnsemble.Leaf],
            Threshold = [2, 0, 0, 5, 0, 0],
            Left = [1, 0, 0, 4, 0, 0],
            Right = [2, 0, 0, 5, 0, 0],
            MissingLeft = [true, false, false, false, false, false],
            Value = [0, 1, 2, 0, 10, 20],
            Base = 100,
        };

        stump.Predict([2, 5]).Should().Be(111);
        stump.Predict([MathF.BitIncrement(2), 5]).Should().Be(112);
        stump.Predict([2, MathF.BitIncrement(5)]).Should().Be(121);
        stump.Predict([float.NaN, float.NaN]).Should().Be(121);
        (stump.Nodes, stump.Slots).Should().Be((6, 2));
    }

    [Fact]
    public void The_first_trees_predict_what_an_ensemble_of_them_alone_does()
    {
        var made = new RandomTrees(seed: 2, slots: 6, trees: 7, depth: 4, rows: 20);
        int[] counts = [0, 1, 4, 7, 9];
        var staged = new double[counts.Length];

        for (var row = 0; row < 20; row++)
        {
            made.Ensemble.PredictStages(made.Row(row), counts, staged);

            staged.Should().Equal(counts.Select(count => FirstOf(made.Ensemble, count).Predict(made.Row(row))));
        }

        static TreeEnsemble FirstOf(TreeEnsemble all, int count) => new()
        {
            Roots = [.. all.Roots.Take(count)],
            Slot = all.Slot,
            Threshold = all.Threshold,
            Left = all.Left,
            Right = all.Right,
            MissingLeft = all.MissingLeft,
            Value = all.Value,
            Base = all.Base,
        };
    }

    [Fact]
    public void Trees_may_be_none()
    {
        var none = new TreeEnsemble { Roots = [], Slot = [], Threshold = [], Left = [], Right = [], MissingLeft = [], Value = [], Base = 3 };

        (none.Nodes, none.Slots, none.Predict([])).Should().Be((0, 0, 3));
    }

    [Fact]
    public void A_linear_ensemble_predicts_slope_times_prediction_plus_offset()
    {
        var made = new RandomTrees(seed: 1, slots: 6, trees: 5, depth: 4, rows: 50);

        var linear = made.Ensemble.Linear(-2.5, 7);

        for (var row = 0; row < 50; row++)
        {
            linear.Predict(made.Row(row)).Should().BeApproximately((-2.5 * made.Ensemble.Predict(made.Row(row))) + 7, 1e-12);
        }
    }

    /// <summary>Rows of several blocks, more than one thread: nothing is counted twice or left out.</summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(511, 2)]
    [InlineData(512, 2)]
    [InlineData(1300, 1)]
    [InlineData(1300, 4)]
    public void Covers_are_the_rows_that_pass_a_node(int rows, int threads)
    {
        var made = new RandomTrees(seed: rows, slots: 9, trees: 4, depth: 6, rows);

        var covers = NodeCovers.Count(made.Ensemble, made.Slots, rows, made.Fill, threads, CancellationToken.None);

        covers.Should().Equal(Walked(made, rows));
    }

    [Fact]
    public void Counting_stops_when_it_is_told_to()
    {
        var made = new RandomTrees(seed: 1, slots: 9, trees: 4, depth: 6, rows: 10);

        var count = () => NodeCovers.Count(made.Ensemble, made.Slots, 10, made.Fill, threads: 1, new CancellationToken(canceled: true));

        count.Should().Throw<OperationCanceledException>();
    }

    [Theory]
    [InlineData(0, 512)]
    [InlineData(1, 512)]
    [InlineData(256, 512)]
    [InlineData(257, 510)]
    [InlineData(8000, 16)]
    [InlineData(100_000, 16)]
    public void Blocks_of_wide_rows_are_shorter_within_limits(int slots, int rows) => RowBlocks.Size(slots).Should().Be(rows);

    private static long[] Walked(RandomTrees made, int rows)
    {
        var trees = made.Ensemble;
        var passed = new long[trees.Nodes];
        foreach (var (row, root) in Enumerable.Range(0, rows).SelectMany(row => trees.Roots.Select(root => (row, root))))
        {
            for (var node = root; ; node = made.GoesLeft(row, node) ? trees.Left[node] : trees.Right[node])
            {
                passed[node]++;
                if (trees.Slot[node] == TreeEnsemble.Leaf)
                {
                    break;
                }
            }
        }
        return passed;
    }
}

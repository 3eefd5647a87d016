using System.Numerics;

namespace MlOps.Explain.Tests;

public sealed class TreeShapTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 20)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Values_are_the_Shapley_values_of_the_expectation_over_what_is_not_known(int seed)
    {
        var made = new RandomTrees(seed, slots: 6, trees: 3, depth: 5, rows: 60);
        var shap = new TreeShap(LeafPaths.Of(made.Ensemble, made.Covers), [.. Enumerable.Range(0, made.Slots)]);

        for (var row = 0; row < 8; row++)
        {
            var values = new double[made.Slots];
            shap.AddTo(made.Row(row), values);
            var expected = BruteForce(made, row);
            values.Should().Equal(expected, (a, b) => Math.Abs(a - b) < 1e-10, $"row {row}, seed {seed}");
        }
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Values_and_the_expected_value_make_the_prediction_and_an_unused_slot_gets_nothing(int seed)
    {
        var made = new RandomTrees(seed, slots: 30, trees: 2, depth: 8, rows: 600);
        var shap = new TreeShap(LeafPaths.Of(made.Ensemble, made.Covers), [.. Enumerable.Range(0, made.Slots)]);

        var values = shap.Explain(600, made.Fill, threads: 2, CancellationToken.None);

        double[][] own = [.. values.Chunk(made.Slots)];
        own.Select(row => row.Sum() + shap.ExpectedValue).Should()
            .Equal(Enumerable.Range(0, 600).Select(row => made.Ensemble.Predict(made.Row(row))), (a, b) => Math.Abs(a - b) < 1e-9, $"seed {seed}");
        own.Select(row => row[^1]).Should().AllBeEquivalentTo(0.0);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void The_expected_value_is_the_mean_prediction_of_a_single_tree(int seed)
    {
        var made = new RandomTrees(seed, slots: 5, trees: 1, depth: 6, rows: 300);

        var mean = Enumerable.Range(0, 300).Average(row => made.Ensemble.Predict(made.Row(row)));

        LeafPaths.Of(made.Ensemble, made.Covers).ExpectedValue.Should().BeApproximately(mean, 1e-9, $"seed {seed}");
    }

    [Theory]
    [InlineData(4)]
    [InlineData(10)]
    [InlineData(11)]
    public void Tables_give_what_the_row_by_row_computation_gives(int depth)
    {
        // At the least depth every leaf has a table, at the largest hardly any.
        var made = new RandomTrees(seed: depth, slots: 50, trees: 1, depth, rows: 600);
        int[] columns = [.. Enumerable.Range(0, made.Slots).Select(slot => slot / 7)];
        var shap = new TreeShap(LeafPaths.Of(made.Ensemble, made.Covers), columns);

        var values = shap.Explain(600, made.Fill, threads: 2, CancellationToken.None);

        shap.Columns.Should().Be(8);
        for (var row = 0; row < 600; row += 5)
        {
            var own = new double[shap.Columns];
            shap.AddTo(made.Row(row), own);
            values.AsSpan(row * shap.Columns, shap.Columns).ToArray().Should().Equal(own, (a, b) => Math.Abs(a - b) < 1e-10);
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(100_000)]
    public void A_leaf_has_a_table_where_rows_are_four_times_its_entries_and_conditions_ten_at_most(int rows)
    {
        var trees = ShapedTrees.Chains(0, 6, 12);
        var paths = LeafPaths.Of(trees, new long[trees.Nodes]);

        var tabled = new TreeShap(paths, [.. Enumerable.Range(0, 12)]).Tabled(rows);

        var conditions = paths.Starts.Zip(paths.Starts.Skip(1), (start, end) => end - start).ToList();
        tabled.Should().Equal(Enumerable.Range(0, conditions.Count).Where(leaf => conditions[leaf] <= 10 && rows >= 4 << conditions[leaf]));
    }

    [Fact]
    public void Tables_take_no_more_than_64_million_bytes()
    {
        var trees = ShapedTrees.Full(depth: 10);

        var tabled = new TreeShap(trees, new long[trees.Nodes], [.. Enumerable.Range(0, 10)]).Tabled(rows: 1_000_000);

        tabled.Should().HaveCount(8_000_000 / (10 << 10)).And.HaveCountLessThan(trees.Nodes / 2);
    }

    [Fact]
    public void A_row_of_nothing_but_the_expectation_adds_nothing()
    {
        var shap = new TreeShap(ShapedTrees.Leaf(7), [10], columnOf: []);

        (shap.Columns, shap.ExpectedValue).Should().Be((0, 7));
        shap.Explain(100, (_, _, _) => { }, threads: 1, CancellationToken.None).Should().BeEmpty();
    }

    [Fact]
    public void No_rows_have_no_values()
    {
        var made = new RandomTrees(seed: 1, slots: 6, trees: 3, depth: 5, rows: 60);

        new TreeShap(made.Ensemble, made.Covers, [0, 0, 0, 3, 2, 1]).Explain(0, made.Fill, threads: 2, CancellationToken.None).Should().BeEmpty();
    }

    [Fact]
    public void There_are_columns_up_to_the_largest_that_a_slot_adds_to() =>
        new TreeShap(ShapedTrees.Chains(2), new long[5], columnOf: [7, 3]).Columns.Should().Be(8);

    [Fact]
    public void Explaining_stops_when_it_is_told_to()
    {
        var made = new RandomTrees(seed: 1, slots: 6, trees: 3, depth: 5, rows: 1);
        var shap = new TreeShap(made.Ensemble, made.Covers, [.. Enumerable.Range(0, 6)]);

        var explain = () => shap.Explain(1, made.Fill, threads: 1, new CancellationToken(canceled: true));

        explain.Should().Throw<OperationCanceledException>();
    }

    [Fact]
    public async Task Explaining_on_a_shared_scheduler_stops_when_it_is_told_to()
    {
        var made = new RandomTrees(seed: 1, slots: 6, trees: 3, depth: 5, rows: 1);
        var shap = new TreeShap(made.Ensemble, made.Covers, [.. Enumerable.Range(0, 6)]);

        var explain = () => shap.ExplainAsync(1, made.Fill, TaskScheduler.Default, new CancellationToken(canceled: true));

        await explain.Should().ThrowAsync<OperationCanceledException>();
    }

    /// <summary>Twelve callers, some of few rows and some of many: never more than two work, nobody is at the end of a queue, and no bit is another.</summary>
    [Fact]
    public async Task Those_who_share_a_scheduler_share_its_threads_take_turns_and_get_the_same_values()
    {
        const int Most = 2;
        var made = new RandomTrees(seed: 7, slots: 40, trees: 20, depth: 7, rows: 6000);
        var shap = new TreeShap(made.Ensemble, made.Covers, [.. Enumerable.Range(0, made.Slots)]);
        var shared = new ConcurrentExclusiveSchedulerPair(TaskScheduler.Default, Most, maxItemsPerTask: 1).ConcurrentScheduler;
        var (now, most, order, counting) = (0, 0, new List<int>(), new Lock());
        int[] sizes = [6000, 6000, 6000, 6000, 6000, 6000, 1, 1, 5, 600, 1, 1];

        var explained = await Task.WhenAll(sizes.Select(async rows =>
        {
            var values = await shap.ExplainAsync(rows, Fill, shared, CancellationToken.None);
            lock (counting)
            {
                order.Add(rows);
            }
            return values;
        }));

        most.Should().Be(Most);
        order.Take(3).Should().OnlyContain(rows => rows < 6000, "few rows do not wait until all of many are done");
        foreach (var (rows, values) in sizes.Zip(explained))
        {
            values.AsSpan().SequenceEqual(shap.Explain(rows, made.Fill, threads: 1, CancellationToken.None)).Should().BeTrue();
        }

        void Fill(int start, int count, Span<float> rows)
        {
            lock (counting)
            {
                most = Math.Max(most, ++now);
            }
            made.Fill(start, count, rows);
            Thread.Sleep(2);
            lock (counting)
            {
                now--;
            }
        }
    }

    [Fact]
    public void A_path_of_1024_conditions_is_taken_and_a_longer_one_refused()
    {
        var (longest, tooLong) = (ShapedTrees.Chains(1024), ShapedTrees.Chains(1, 1025));

        var taken = () => new TreeShap(longest, new long[longest.Nodes], [.. Enumerable.Range(0, 1024)]);
        var refused = () => new TreeShap(tooLong, new long[tooLong.Nodes], [.. Enumerable.Range(0, 1025)]);

        taken.Should().NotThrow();
        refused.Should().Throw<NotSupportedException>().WithMessage("*1024*");
    }

    [Fact]
    public void Every_node_needs_a_cover()
    {
        var of = () => new TreeShap(ShapedTrees.Chains(2), new long[4], columnOf: [0, 1]);

        of.Should().Throw<ArgumentException>().WithParameterName("covers").WithMessage("There are 4 covers for 5 nodes.*");
    }

    /// <summary>The definition, set by set: E[prediction | the slots in the set], weighing children by cover where the slot is not known.</summary>
    private static double[] BruteForce(RandomTrees made, int row)
    {
        var n = made.Slots;
        var values = new double[n];
        var expectations = Enumerable.Range(0, 1 << n).Select(known => made.Ensemble.Roots.Sum(root => Expect(made, row, root, known))).ToArray();
        for (var slot = 0; slot < n; slot++)
        {
            foreach (var set in Enumerable.Range(0, 1 << n).Where(set => (set >> slot & 1) == 0))
            {
                var size = BitOperations.PopCount((uint)set);
                values[slot] += Factorial(size) * Factorial(n - size - 1) / Factorial(n) * (expectations[set | 1 << slot] - expectations[set]);
            }
        }
        return values;
    }

    private static double Expect(RandomTrees made, int row, int node, int known)
    {
        var trees = made.Ensemble;
        var slot = trees.Slot[node];
        if (slot == TreeEnsemble.Leaf)
        {
            return trees.Value[node];
        }
        if ((known >> slot & 1) == 1)
        {
            return Expect(made, row, made.GoesLeft(row, node) ? trees.Left[node] : trees.Right[node], known);
        }
        var share = made.Covers[node] == 0 ? 0.5 : (double)made.Covers[trees.Left[node]] / made.Covers[node];
        return (share * Expect(made, row, trees.Left[node], known)) + ((1 - share) * Expect(made, row, trees.Right[node], known));
    }

    private static double Factorial(int n) => n <= 1 ? 1 : n * Factorial(n - 1);
}

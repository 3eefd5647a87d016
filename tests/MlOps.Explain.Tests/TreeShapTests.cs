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
        var made = new RandomTrees(seed, slots: 30, trees: 20, depth: 9, rows: 700);
        var shap = new TreeShap(LeafPaths.Of(made.Ensemble, made.Covers), [.. Enumerable.Range(0, made.Slots)]);

        var values = shap.Explain(700, made.Fill, threads: 2, CancellationToken.None);

        for (var row = 0; row < 700; row++)
        {
            var own = values.AsSpan(row * made.Slots, made.Slots);
            Math.Abs(Sum(own) + shap.ExpectedValue - made.Ensemble.Predict(made.Row(row))).Should().BeLessThan(1e-9, $"row {row}, seed {seed}");
            own[^1].Should().Be(0);
        }
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
    [InlineData(40)]
    public void Tables_give_what_the_row_by_row_computation_gives(int depth)
    {
        // At the least depth every leaf has a table, at the largest hardly any.
        var made = new RandomTrees(seed: depth, slots: 50, trees: 4, depth: Math.Min(depth, 12), rows: 3000);
        int[] columns = [.. Enumerable.Range(0, made.Slots).Select(slot => slot / 7)];
        var shap = new TreeShap(LeafPaths.Of(made.Ensemble, made.Covers), columns);

        var values = shap.Explain(3000, made.Fill, threads: 2, CancellationToken.None);

        shap.Columns.Should().Be(8);
        for (var row = 0; row < 3000; row += 17)
        {
            var own = new double[shap.Columns];
            shap.AddTo(made.Row(row), own);
            values.AsSpan(row * shap.Columns, shap.Columns).ToArray().Should().Equal(own, (a, b) => Math.Abs(a - b) < 1e-10);
        }
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
        var value = made.Row(row)[slot];
        if ((known >> slot & 1) == 1)
        {
            var goesLeft = float.IsNaN(value) ? trees.MissingLeft[node] : value <= trees.Threshold[node];
            return Expect(made, row, goesLeft ? trees.Left[node] : trees.Right[node], known);
        }
        var share = made.Covers[node] == 0 ? 0.5 : (double)made.Covers[trees.Left[node]] / made.Covers[node];
        return (share * Expect(made, row, trees.Left[node], known)) + ((1 - share) * Expect(made, row, trees.Right[node], known));
    }

    private static double Sum(ReadOnlySpan<double> values)
    {
        var sum = 0.0;
        foreach (var value in values)
        {
            sum += value;
        }
        return sum;
    }

    private static double Factorial(int n) => n <= 1 ? 1 : n * Factorial(n - 1);
}

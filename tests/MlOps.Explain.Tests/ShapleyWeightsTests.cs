using System.Numerics;

namespace MlOps.Explain.Tests;

public sealed class ShapleyWeightsTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Values_are_those_of_the_definition_over_all_subsets(int seed)
    {
        var random = new Random(seed);
        var d = seed % 8;
        var conditions = Conditions(d, () => random.Next(5) switch { 0 => 0, 1 => 1, _ => random.NextDouble() });
        bool[] met = [.. Enumerable.Range(0, d).Select(_ => random.Next(3) > 0)];
        var values = new double[d];

        ShapleyWeights.Compute(3.5, conditions, met, values);

        values.Should().Equal(BruteForce(3.5, conditions, met), (a, b) => Math.Abs(a - b) < 1e-12, $"seed {seed}");
    }

    /// <summary>The longest path: equal conditions share equally what the leaf adds to the expectation.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(ShapleyWeights.MostConditions)]
    public void Equal_conditions_have_equal_values(int d)
    {
        var conditions = Conditions(d, () => 0.5);
        bool[] met = [.. Enumerable.Repeat(true, d)];
        var values = new double[d];

        ShapleyWeights.Compute(2, conditions, met, values);

        values.Should().AllSatisfy(value => value.Should().BeApproximately(2 * (1 - Math.Pow(0.5, d)) / d, 1e-12 / d));
    }

    private static PathCondition[] Conditions(int d, Func<double> share) =>
        [.. Enumerable.Range(0, d).Select(slot => new PathCondition(slot, float.NaN, 0, Missing: false, share()))];

    private static double[] BruteForce(double value, PathCondition[] conditions, bool[] met)
    {
        var d = conditions.Length;
        return
        [
            .. Enumerable.Range(0, d).Select(i => Enumerable.Range(0, 1 << d).Where(set => (set >> i & 1) == 0).Sum(set =>
            {
                var size = BitOperations.PopCount((uint)set);
                return Factorial(size) * Factorial(d - 1 - size) / Factorial(d) * (Expect(set | 1 << i) - Expect(set));
            })),
        ];

        double Expect(int known) =>
            value * conditions.Select((condition, i) => (known >> i & 1) == 0 ? condition.Share : met[i] ? 1 : 0).Aggregate(1.0, (a, b) => a * b);
    }

    private static double Factorial(int n) => n <= 1 ? 1 : n * Factorial(n - 1);
}

using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;
using MlOps.Drift.Statistics;

namespace MlOps.Drift.Tests;

/// <summary>The distribution of Kolmogorov's statistic of few values by Steck's (1971) determinant, which none of the methods in use goes through.</summary>
public sealed class KolmogorovDeterminantTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(8)]
    [InlineData(10)]
    [InlineData(12)]
    public void The_upper_tail_is_what_the_determinant_leaves(int n)
    {
        for (var step = 0; step <= 60; step++)
        {
            var x = step / 60.0;
            KolmogorovDistribution.UpperTail(n, x).Should().BeApproximately(1 - WithinBand(n, x), 1e-9, $"n = {n}, x = {x}");
        }
    }

    /// <summary>P(D &lt; x): all n ordered values within the band around the diagonal.</summary>
    private static double WithinBand(int n, double x)
    {
        var matrix = Matrix<double>.Build.Dense(n, n, (i, j) =>
        {
            var (low, high) = (Math.Max(0, ((j + 1.0) / n) - x), Math.Min(1, ((double)i / n) + x));
            return j - i + 1 < 0 ? 0 : j - i + 1 == 0 ? 1 : Math.Pow(Math.Max(0, high - low), j - i + 1) / SpecialFunctions.Factorial(j - i + 1);
        });
        return Math.Max(0, matrix.Determinant() * SpecialFunctions.Factorial(n));
    }
}

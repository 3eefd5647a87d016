using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;

namespace MlOps.Drift.Statistics;

/// <summary>
/// The distribution of the one-sample two-sided Kolmogorov-Smirnov statistic of n values. Which method is used where follows Simard and
/// L'Ecuyer (2011), "Computing the two-sided Kolmogorov-Smirnov distribution", with the cuts that scipy's <c>kstwo</c> makes.
/// </summary>
internal static class KolmogorovDistribution
{
    /// <summary>P(D ≥ x), for x of 0 to 1.</summary>
    public static double UpperTail(long n, double x)
    {
        var t = n * x;
        if (t <= 1)
        {
            return t <= 0.5 ? 1 : 1 - Math.Exp(SpecialFunctions.GammaLn(n + 1) - (n * Math.Log(n)) + (n * Math.Log((2 * t) - 1)));
        }
        var square = t * x;
        if (square >= 370)
        {
            return 0;
        }
        if (x >= 0.5 || square >= (n <= 140 ? 4 : 2.2))
        {
            return Math.Min(1, 2 * OneSidedUpperTail(n, x));
        }
        // Small n, or deep in the lower tail: exact by a matrix power. Else by a series, off by less than 1e-6
        // at n = 141 and ever less above.
        var isExact = n <= 140 || (n <= 100_000 && n * Math.Pow(x, 1.5) <= 1.4);
        return Math.Clamp(1 - (isExact ? MatrixPower((int)n, x) : PelzGoodSeries.LowerTail(n, x)), 0, 1);
    }

    /// <summary>P(D⁺ ≥ x), exact (Smirnov 1944, Birnbaum and Tingey 1951): all terms are positive.</summary>
    private static double OneSidedUpperTail(long n, double x)
    {
        var sum = 0.0;
        var all = SpecialFunctions.GammaLn(n + 1);
        for (long j = 0; j <= (long)Math.Floor(n * (1 - x)); j++)
        {
            var rest = 1 - x - ((double)j / n);
            var ways = all - SpecialFunctions.GammaLn(j + 1) - SpecialFunctions.GammaLn(n - j + 1);
            // The last one may be nothing, and by rounding less than that.
            sum += rest > 0 ? Math.Exp(ways + ((j - 1) * Math.Log(x + ((double)j / n))) + ((n - j) * Math.Log(rest))) : 0;
        }
        return sum * x;
    }

    /// <summary>P(D &lt; x) as an element of n!/nⁿ · Hⁿ (Durbin 1973; Marsaglia, Tsang and Wang 2003).</summary>
    private static double MatrixPower(int n, double x)
    {
        var k = (int)Math.Ceiling(n * x);
        var h = k - (n * x);
        var size = (2 * k) - 1;
        var factorials = new double[size + 1];
        factorials[0] = 1;
        for (var i = 1; i <= size; i++)
        {
            factorials[i] = factorials[i - 1] / i;
        }
        var matrix = Matrix<double>.Build.Dense(size, size, (row, column) => row - column + 1 >= 0 ? factorials[row - column + 1] : 0);
        for (var i = 0; i < size - 1; i++)
        {
            var edge = (1 - Math.Pow(h, i + 1)) * factorials[i + 1];
            matrix[i, 0] = edge;
            matrix[size - 1, size - 1 - i] = edge;
        }
        matrix[size - 1, 0] = (1 - (2 * Math.Pow(h, size)) + Math.Pow(Math.Max((2 * h) - 1, 0), size)) * factorials[size];
        return ScaledPower(matrix, n, k - 1);
    }

    /// <summary>The k-th diagonal element of n!/nⁿ · matrixⁿ, kept within range by logarithms of what is divided out.</summary>
    private static double ScaledPower(Matrix<double> matrix, int n, int k)
    {
        var power = Matrix<double>.Build.DenseIdentity(matrix.RowCount);
        double powerLog = 0, matrixLog = 0;
        for (var rest = n; rest > 0; rest /= 2)
        {
            if (rest % 2 == 1)
            {
                power *= matrix;
                powerLog += matrixLog + Rescale(ref power, k);
            }
            matrix *= matrix;
            matrixLog = (2 * matrixLog) + Rescale(ref matrix, k);
        }
        return Math.Exp(Math.Log(power[k, k]) + powerLog + SpecialFunctions.GammaLn(n + 1.0) - (n * Math.Log(n)));
    }

    /// <summary>Divides a matrix that has grown large, and tells the logarithm of the divisor.</summary>
    private static double Rescale(ref Matrix<double> matrix, int k)
    {
        const double Large = 1e100;
        var scale = Math.Abs(matrix[k, k]);
        if (scale <= Large)
        {
            return 0;
        }
        matrix /= scale;
        return Math.Log(scale);
    }
}

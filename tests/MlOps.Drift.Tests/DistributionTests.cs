using MlOps.Drift.Profiles;
using MlOps.Drift.Statistics;

namespace MlOps.Drift.Tests;

/// <summary>Expected values are those of scipy 1.10.1.</summary>
public sealed class DistributionTests
{
    [Theory]
    [InlineData(10, 0.06, 0.9999999999628411)]
    [InlineData(10, 0.095, 0.9998734715676565)]
    [InlineData(10, 0.12, 0.9948566839762616)]
    [InlineData(50, 0.1, 0.6623112704658186)]
    [InlineData(100, 0.18, 0.002630049845461421)]
    [InlineData(100, 0.3, 1.7719869892662917e-08)]
    [InlineData(20, 0.97, 6.973568802000124e-31)]
    [InlineData(20, 0.6, 2.0483011649719853e-07)]
    [InlineData(200, 0.003, 1.0)]
    [InlineData(200, 0.02, 0.9999948480179858)]
    [InlineData(200, 0.08, 0.1463961356372503)]
    [InlineData(200, 0.2, 1.7317874617308334e-07)]
    [InlineData(2000, 0.02, 0.3953133626892045)]
    [InlineData(5000, 0.02, 0.03613941395325637)]
    [InlineData(25000, 0.0073, 0.1385449989661205)]
    [InlineData(25000, 0.0015, 0.9999999961965584)]
    [InlineData(25000, 0.012, 0.0014810269244871926)]
    [InlineData(1000000, 0.001, 0.26982107442589376)]
    [InlineData(150000, 0.002, 0.5852546878861702)]
    [InlineData(1000000, 0.00003, 1)]
    [InlineData(1000000, 0.1, 0)]
    public void The_Kolmogorov_distribution_is_scipys_whatever_the_method(long n, double x, double expected) =>
        KolmogorovDistribution.UpperTail(n, x).Should().BeApproximately(expected, 1e-8 * Math.Min(1, expected * 100));

    /// <summary>Where one method hands over to another, they agree: the matrix power, the series, the one-sided sum.</summary>
    [Theory]
    [InlineData(60, 4, 1e-9)]
    [InlineData(140, 4, 1e-9)]
    [InlineData(141, 2.2, 1e-6)]
    [InlineData(1000, 2.2, 1e-7)]
    public void Methods_meet_where_the_one_sided_tail_begins(long n, double square, double error) => ShouldMeet(n, Math.Sqrt(square / n), error);

    [Theory]
    [InlineData(1000, 1e-7)]
    [InlineData(20_000, 1e-9)]
    [InlineData(100_000, 1e-12)]
    public void Methods_meet_where_the_series_begins(long n, double error) => ShouldMeet(n, Math.Pow(1.4 / n, 2 / 3.0), error);

    private static void ShouldMeet(long n, double x, double error)
    {
        const double Nearly = 1e-13;
        var (before, after) = (KolmogorovDistribution.UpperTail(n, x * (1 - Nearly)), KolmogorovDistribution.UpperTail(n, x * (1 + Nearly)));
        before.Should().BeApproximately(after, error).And.BeInRange(1e-5, 1);
    }

    [Theory]
    [InlineData(new double[] { 1, 5, 9 }, new double[] { 2, 3, 10, 12 }, 0.3142857142857143, 0.6571428571428571)]
    [InlineData(new double[] { 4, 8, 15, 16 }, new double[] { 1, 2, 3, 23, 42, 50, 60, 70, 80 }, 0.206993006993007, 0.11468531468531469)]
    public void Small_samples_have_exact_p_values(double[] reference, double[] current, double mannWhitney, double kolmogorovSmirnov)
    {
        var pair = new ColumnPair(Profiled.Numbers(reference), Profiled.Numbers(current));

        MannWhitney.PValue(pair).Should().BeApproximately(mannWhitney, 1e-12);
        KolmogorovSmirnov.PValue(pair).Should().BeApproximately(kolmogorovSmirnov, 1e-12);
    }
}

namespace MlOps.Drift.Statistics;

/// <summary>
/// Pelz and Good's (1976) approximation of P(D ≤ x) for large n: K0(z) + K1(z)/√n + K2(z)/n + K3(z)/n^1.5 at z = x√n, each a theta series.
/// </summary>
internal static class PelzGoodSeries
{
    private const double SmallestExponent = -708;

    private static readonly double RootTwoPi = Math.Sqrt(2 * Math.PI);

    public static double LowerTail(double n, double x)
    {
        var z = Math.Sqrt(n) * x;
        double z2 = z * z, z4 = z2 * z2, z6 = z4 * z2, z8 = z4 * z4;
        double pi2 = Math.PI * Math.PI, pi4 = pi2 * pi2, pi6 = pi4 * pi2;
        var exponent = -pi2 / 8 / z2;
        if (exponent < SmallestExponent)
        {
            return 0;
        }
        double k0 = 0, k1 = 0, k2 = 0, k3 = 0, extra2 = 0, extra3 = 0;
        for (var k = (int)Math.Ceiling(16 * z / Math.PI); k > 0; k--)
        {
            double m = (2 * k) - 1, m2 = m * m, m4 = m2 * m2, m6 = m4 * m2;
            var odd = Math.Exp(exponent * m2);
            k0 += odd;
            k1 += odd * (-z2 + (pi2 / 4 * m2));
            k2 += odd * ((6 * z6) + (2 * z4) + (((2 * z4) - (5 * z2)) * pi2 / 4 * m2)
                + (pi4 * (1 - (2 * z2)) / 16 * m4));
            k3 += odd * ((-30 * z6) - (90 * z8) + (pi2 * ((135 * z4) - (96 * z6)) / 4 * m2)
                + (pi4 * ((-60 * z2) + (212 * z4)) / 16 * m4) + (pi6 * (5 - (30 * z2)) / 64 * m6));
            var all = Math.Exp(-pi2 / 2 / z2 * k * k) * k * k;
            extra2 += all;
            extra3 += all * ((3 * z2) - (pi2 * k * k));
        }
        k0 *= RootTwoPi / z;
        k1 *= RootTwoPi / (6 * z4);
        k2 = (k2 * RootTwoPi / (72 * z6 * z)) - (extra2 * pi2 * RootTwoPi / (36 * z2 * z));
        k3 = (k3 * RootTwoPi / (6480 * z8 * z2)) + (extra3 * pi2 * RootTwoPi / (216 * z6));
        return k0 + (k1 / Math.Sqrt(n)) + (k2 / n) + (k3 / Math.Pow(n, 1.5));
    }
}

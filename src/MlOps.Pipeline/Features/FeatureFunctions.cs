using System.Runtime.CompilerServices;
using DuckDB.NET.Data;
using DuckDB.NET.Native;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Features;

/// <summary>What a computed feature computes.</summary>
public enum FeatureFunction
{
    /// <summary>a · b</summary>
    Product,
    /// <summary>a / b; missing where b is 0.</summary>
    Ratio,
    /// <summary>Natural logarithm of 1 + a; missing at and below −1.</summary>
    Log,
    Year,
    /// <summary>1 to 12.</summary>
    Month,
    /// <summary>Day of the month, 1 to 31.</summary>
    Day,
    /// <summary>0 = Sunday to 6 = Saturday.</summary>
    DayOfWeek,
    /// <summary>0 to 23.</summary>
    Hour,
}

/// <summary>
/// The one implementation of every computed feature. DuckDB calls it for whole tables and the scorer for single rows, so that training and
/// serving cannot differ. Datetimes come as microseconds since 1970; NaN means missing, in and out.
/// </summary>
internal static class FeatureFunctions
{
    public static string SqlName(FeatureFunction function) => "feature_" + function.ToString().ToLowerInvariant();

    public static double Evaluate(FeatureFunction function, double a, double b) => function switch
    {
        FeatureFunction.Product => Finite(a * b),
        FeatureFunction.Ratio => b == 0 ? double.NaN : Finite(a / b),
        FeatureFunction.Log => a > -1 ? Finite(double.LogP1(a)) : double.NaN,
        _ => double.IsNaN(a) ? double.NaN : DatePart(function, a),
    };

    /// <summary>Registers every function under its SQL name, taking two DOUBLEs (the second is ignored by functions of one).</summary>
    public static void Register(DuckDBConnection connection)
    {
        foreach (var function in Enum.GetValues<FeatureFunction>())
        {
            DuckFunction.Register(
                connection, SqlName(function), [DuckDBType.Double, DuckDBType.Double], DuckDBType.Double, (inputs, _, output, rows) =>
                    Compute(function, inputs, output, rows));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Compute(FeatureFunction function, ReadOnlySpan<DuckVector> inputs, DuckVector output, int rows)
    {
        var a = inputs[0].Values<double>(rows);
        var b = inputs[1].Values<double>(rows);
        var results = output.Values<double>(rows);
        for (var i = 0; i < rows; i++)
        {
            results[i] = Evaluate(function, inputs[0].IsNull(i) ? double.NaN : a[i], inputs[1].IsNull(i) ? double.NaN : b[i]);
            if (double.IsNaN(results[i]))
            {
                output.SetNull(i);
            }
        }
    }

    private static double DatePart(FeatureFunction function, double microseconds)
    {
        const double Earliest = -62135596800e6; // 0001-01-01
        const double Latest = 253402300800e6; // 10000-01-01
        if (microseconds is < Earliest or >= Latest)
        {
            return double.NaN;
        }
        var time = DateTime.UnixEpoch.AddTicks((long)microseconds * TimeSpan.TicksPerMicrosecond);
        return function switch
        {
            FeatureFunction.Year => time.Year,
            FeatureFunction.Month => time.Month,
            FeatureFunction.Day => time.Day,
            FeatureFunction.DayOfWeek => (int)time.DayOfWeek,
            FeatureFunction.Hour => time.Hour,
            _ => throw new ArgumentOutOfRangeException(nameof(function), function, "This function takes no datetime."),
        };
    }

    private static double Finite(double value) => double.IsFinite(value) ? value : double.NaN;
}

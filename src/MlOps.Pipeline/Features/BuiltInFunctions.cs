namespace MlOps.Pipeline.Features;

/// <summary>The functions of <c>features.interactions</c>, <c>ratios</c>, <c>logs</c> and <c>dateParts</c>.</summary>
internal static class BuiltInFunctions
{
    /// <summary>a · b</summary>
    public const string Product = "product";

    /// <summary>a / b; missing where b is 0.</summary>
    public const string Ratio = "ratio";

    /// <summary>Natural logarithm of 1 + a; missing at and below −1.</summary>
    public const string Log = "log";

    public const string Year = "year";

    /// <summary>1 to 12.</summary>
    public const string Month = "month";

    /// <summary>Day of the month, 1 to 31.</summary>
    public const string Day = "day";

    /// <summary>0 = Sunday to 6 = Saturday.</summary>
    public const string DayOfWeek = "dayOfWeek";

    /// <summary>0 to 23.</summary>
    public const string Hour = "hour";

    /// <summary>Those of a datetime.</summary>
    public static IReadOnlyList<string> DateParts { get; } = [Year, Month, Day, DayOfWeek, Hour];

    public static IReadOnlyList<IFeatureFunction> All { get; } =
    [
        new BuiltIn(Product, 2, inputs => inputs[0] * inputs[1]),
        new BuiltIn(Ratio, 2, inputs => inputs[1] == 0 ? double.NaN : inputs[0] / inputs[1]),
        new BuiltIn(Log, 1, inputs => inputs[0] > -1 ? double.LogP1(inputs[0]) : double.NaN),
        new BuiltIn(Year, 1, inputs => DatePart(inputs[0], time => time.Year)),
        new BuiltIn(Month, 1, inputs => DatePart(inputs[0], time => time.Month)),
        new BuiltIn(Day, 1, inputs => DatePart(inputs[0], time => time.Day)),
        new BuiltIn(DayOfWeek, 1, inputs => DatePart(inputs[0], time => (int)time.DayOfWeek)),
        new BuiltIn(Hour, 1, inputs => DatePart(inputs[0], time => time.Hour)),
    ];

    private static double DatePart(double microseconds, Func<DateTime, int> part)
    {
        const double Earliest = -62135596800e6; // 0001-01-01
        const double Latest = 253402300800e6; // 10000-01-01
        // Not so for NaN either.
        return microseconds is >= Earliest and < Latest
            ? part(DateTime.UnixEpoch.AddTicks((long)microseconds * TimeSpan.TicksPerMicrosecond))
            : double.NaN;
    }

    private sealed class BuiltIn(string name, int inputs, Func<ReadOnlySpan<double>, double> evaluate) : IFeatureFunction
    {
        public string Name => name;

        public int Inputs => inputs;

        public double Evaluate(ReadOnlySpan<double> inputs) => evaluate(inputs);
    }
}

namespace MlOps.Pipeline.Features;

/// <summary>
/// How a numeric target is centred and scaled for a trainer, which learns in single precision: a target of 1.7 billion and a spread of seconds
/// would lose the seconds. The model predicts in this unit; everybody else reads the target's own.
/// </summary>
/// <param name="Center">What becomes 0.</param>
/// <param name="Factor">How much becomes 1, above 0.</param>
public sealed record TargetScale(double Center, double Factor)
{
    /// <summary>Largest rounding error of a target, in its standard deviations, that needs no scale.</summary>
    private const double MostError = 1e-5;

    /// <summary>Half the distance of two single-precision numbers, relative to them.</summary>
    private const double Rounding = 1.0 / (1 << 24);

    /// <summary>The value as the trainer sees it.</summary>
    public double ToModel(double value) => (value - Center) / Factor;

    /// <summary>What the model predicts, in the target's unit.</summary>
    public double FromModel(double prediction) => Center + (prediction * Factor);

    /// <summary>Centre and standard deviation of the values; null where single precision is enough, unless <paramref name="always"/>.</summary>
    internal static TargetScale? Of(double[] values, bool always)
    {
        if (values.Length == 0)
        {
            return null;
        }
        var mean = values.Average();
        var deviation = Math.Sqrt(values.Average(value => (value - mean) * (value - mean)));
        if (deviation == 0 || !double.IsFinite(deviation))
        {
            return null;
        }
        var largest = values.Max(Math.Abs);
        return always || largest * Rounding > MostError * deviation ? new TargetScale(mean, deviation) : null;
    }
}

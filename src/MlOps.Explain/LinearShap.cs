namespace MlOps.Explain;

/// <summary>
/// Exact SHAP values of a linear model with independent features: weight times the distance from the mean (Štrumbelj and Kononenko,
/// 2014). Scaling before the model changes neither side of the product.
/// </summary>
public sealed class LinearShap
{
    private readonly double[] weights;
    private readonly double[] means;
    private readonly int[] columnOf;

    private LinearShap(double[] weights, double[] means, int[] columnOf, double baseValue) =>
        (this.weights, this.means, this.columnOf, BaseValue) = (weights, means, columnOf, baseValue);

    /// <summary>The prediction at the mean of all features.</summary>
    public double BaseValue { get; }

    /// <param name="weights">Weight of every slot.</param>
    /// <param name="bias">What the weighted sum starts from.</param>
    /// <param name="means">Mean of every slot over the training rows.</param>
    /// <param name="columnOf">Column that every slot's value is added to.</param>
    /// <param name="slope">What is explained is <c>slope · score + offset</c>.</param>
    /// <param name="offset">See <paramref name="slope"/>.</param>
    public static LinearShap Of(IReadOnlyList<float> weights, double bias, double[] means, int[] columnOf, double slope, double offset)
    {
        double[] scaled = [.. weights.Select(weight => slope * weight)];
        return scaled.Length == means.Length
            ? new LinearShap(scaled, means, columnOf, (slope * bias) + offset + scaled.Zip(means, (weight, mean) => weight * mean).Sum())
            : throw new ArgumentException($"There are {means.Length} means for {scaled.Length} weights.", nameof(means));
    }

    public void AddTo(ReadOnlySpan<float> row, Span<double> contributions)
    {
        for (var slot = 0; slot < weights.Length; slot++)
        {
            contributions[columnOf[slot]] += weights[slot] * (row[slot] - means[slot]);
        }
    }
}

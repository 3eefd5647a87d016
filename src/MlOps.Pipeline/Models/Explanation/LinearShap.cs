using Microsoft.ML.Trainers;

namespace MlOps.Pipeline.Models.Explanation;

/// <summary>
/// Exact SHAP values of a linear model with independent features: weight times the distance from the mean (Štrumbelj and Kononenko,
/// 2014). Scaling before the model changes neither side of the product.
/// </summary>
internal sealed class LinearShap
{
    private readonly double[] weights;
    private readonly double[] means;
    private readonly int[] columnOf;

    private LinearShap(double[] weights, double[] means, int[] columnOf, double baseValue) =>
        (this.weights, this.means, this.columnOf, BaseValue) = (weights, means, columnOf, baseValue);

    /// <summary>The prediction at the mean of all features.</summary>
    public double BaseValue { get; }

    /// <param name="model">The model.</param>
    /// <param name="means">Mean of every slot over the training rows.</param>
    /// <param name="columnOf">Column that every slot's value is added to.</param>
    /// <param name="slope">What is explained is <c>slope · score + offset</c>.</param>
    /// <param name="offset">See <paramref name="slope"/>.</param>
    public static LinearShap Of(LinearModelParameters model, double[] means, int[] columnOf, double slope, double offset)
    {
        double[] weights = [.. model.Weights.Select(weight => slope * weight)];
        return weights.Length == means.Length
            ? new LinearShap(weights, means, columnOf, (slope * model.Bias) + offset + weights.Zip(means, (weight, mean) => weight * mean).Sum())
            : throw new ArgumentException($"There are {means.Length} means for {weights.Length} weights.", nameof(means));
    }

    public void AddTo(ReadOnlySpan<float> row, Span<double> contributions)
    {
        for (var slot = 0; slot < weights.Length; slot++)
        {
            contributions[columnOf[slot]] += weights[slot] * (row[slot] - means[slot]);
        }
    }
}

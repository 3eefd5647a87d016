namespace MlOps.Pipeline.Features;

/// <summary>One row as the model sees it: numbers and category codes in the order of <see cref="FeatureTable"/>.</summary>
internal sealed record FeatureRow(float[] Numbers, int[] Codes) : IFeatureSource
{
    /// <summary>Categorical inputs whose value is none of the model's categories; null: none.</summary>
    public IReadOnlyList<string>? Unseen { get; init; }

    /// <summary>Inputs whose value is outside what the model was trained on; null: none.</summary>
    public IReadOnlyList<string>? OutOfRange { get; init; }

    public float Number(int index) => Numbers[index];

    public int Code(int index) => Codes[index];

    /// <summary>A double as a feature: what DuckDB's cast to FLOAT gives, with missing for what no float holds.</summary>
    public static float ToFloat(double value) => float.IsFinite((float)value) ? (float)value : float.NaN;
}

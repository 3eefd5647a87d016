using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Scoring;

/// <summary>How a model is explained.</summary>
public enum ExplainerKind
{
    /// <summary>Exact path-dependent TreeSHAP.</summary>
    TreeShap,
    /// <summary>Exact SHAP values of a linear model whose features are taken as independent.</summary>
    LinearShap,
    /// <summary>Permutation importance: of whole features only, single predictions have no explanation.</summary>
    Permutation,
}

/// <summary>What explaining a model needs besides the model itself, found on its training rows: <c>explainer.json</c> beside the model.</summary>
/// <param name="Kind">How it is explained.</param>
/// <param name="Covers">Trees: training rows through every node.</param>
/// <param name="Means">Linear models: mean of every prepared slot.</param>
public sealed record ExplainerState(ExplainerKind Kind, long[]? Covers = null, double[]? Means = null) : IStored
{
    public static int CurrentFormat => 1;

    public static string StoredAs => "explainer";

    public int Format { get; init; } = CurrentFormat;

    /// <summary>Trees of several classes: training rows through every node, class by class; null: another model.</summary>
    public IReadOnlyList<long[]>? ClassCovers { get; init; }

    public const string File = "explainer.json";
}

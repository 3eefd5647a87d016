using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Scoring;
using MlOps.Serving.Models;

namespace MlOps.Serving.Predictions;

/// <summary>What became of a request for predictions.</summary>
public abstract record PredictionResult
{
    private PredictionResult() { }

    /// <summary>One prediction per row, in the request's order, how each comes about and how sure it is when that was asked for.</summary>
    public sealed record Predicted(
        string Model, int Version, string Variant, TaskKind Task, IReadOnlyList<Prediction> Predictions, PredictionExplanations? Explanations = null,
        PredictionRanges? Ranges = null) : PredictionResult
    {
        /// <summary>Multiclass: the classes, in the order of each prediction's probabilities; null: another task.</summary>
        public IReadOnlyList<string>? Classes { get; init; }

        /// <summary>What the version takes and gives.</summary>
        public required ModelContract Contract { get; init; }
    }

    /// <summary>The model is known, but has no such version.</summary>
    public sealed record UnknownVersion(string Model, int Version) : PredictionResult;

    /// <summary>Neither a definition nor a registered version has this name.</summary>
    public sealed record UnknownModel(string Model, IReadOnlyList<string> Known) : PredictionResult;

    /// <summary>The model is known, but no version is in production yet. <paramref name="Model"/> is null when there is no model at all.</summary>
    public sealed record NoneInProduction(string? Model, TimeSpan RetryAfter) : PredictionResult;

    /// <summary>No model was named and there are several.</summary>
    public sealed record ModelNotNamed(IReadOnlyList<string> Known) : PredictionResult;
}

/// <summary>How much of a prediction is explained.</summary>
public enum ExplainKind
{
    None,
    /// <summary>What was predicted.</summary>
    Prediction,
    /// <summary>Multiclass: the score of every class besides.</summary>
    EveryClass,
}

/// <summary>A production version that is loaded.</summary>
public sealed record LoadedModel(string Model, int Version);

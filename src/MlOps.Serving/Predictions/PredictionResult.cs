using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Scoring;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Predictions;

/// <summary>What became of a request for predictions.</summary>
public abstract record PredictionResult
{
    private PredictionResult() { }

    /// <summary>
    /// One prediction per row, in the request's order, how each comes about and how sure it is when that was asked for. <c>Version</c> and <c>Variant</c>
    /// are those of the first row where several versions answered.
    /// </summary>
    public sealed record Predicted(
        string Model, int Version, string Variant, TaskKind Task, IReadOnlyList<Prediction> Predictions, PredictionExplanations? Explanations = null,
        PredictionRanges? Ranges = null) : PredictionResult
    {
        /// <summary>Multiclass: the classes, in the order of each prediction's probabilities; null: another task.</summary>
        public IReadOnlyList<string>? Classes { get; init; }

        /// <summary>The request's id.</summary>
        public required string Id { get; init; }

        /// <summary>By which each prediction is found again.</summary>
        public IEnumerable<string> Ids => Predictions.Count == 1 ? [Id] : Enumerable.Range(0, Predictions.Count).Select(row => PredictionId.Of(Id, row));

        /// <summary>Which version answered each row; null: one answered all.</summary>
        public IReadOnlyList<AnsweredBy>? Rows { get; init; }

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

/// <summary>Who answered a row.</summary>
/// <param name="Version">The version.</param>
/// <param name="Variant">As what: <see cref="Variants"/>.</param>
public sealed record AnsweredBy(int Version, string Variant);

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

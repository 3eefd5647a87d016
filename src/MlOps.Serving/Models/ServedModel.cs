using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;

namespace MlOps.Serving.Models;

/// <summary>A version loaded and ready to predict.</summary>
internal sealed record ServedModel(string Model, int Version, IScorer Scorer);

/// <summary>What serving needs of a loaded model. Safe to use from many threads at once.</summary>
internal interface IScorer
{
    TaskKind Task { get; }

    /// <summary>Multiclass: the classes, in order; null: another task.</summary>
    IReadOnlyList<string>? Classes { get; }

    /// <summary>What it takes and gives.</summary>
    ModelContract Contract { get; }

    /// <summary>Size of the files that it was loaded from.</summary>
    long StoredBytes { get; }

    /// <exception cref="InputException">Rows do not fit the model's signature; every problem is listed.</exception>
    IReadOnlyList<Prediction> Predict(IReadOnlyList<JsonElement> rows);

    /// <exception cref="InputException">The model has no intervals, or none of the level.</exception>
    Task<PredictionRanges> RangesAsync(
        IReadOnlyList<JsonElement> rows, IReadOnlyList<Prediction> predictions, double level, CancellationToken cancel);

    /// <exception cref="InputException">Rows do not fit, or the model cannot explain single predictions.</exception>
    Task<PredictionExplanations> ExplainAsync(IReadOnlyList<JsonElement> rows, bool everyClass, CancellationToken cancel);
}

/// <summary>Loads the stored model of a version.</summary>
internal interface IScorerLoader
{
    Task<IScorer> LoadAsync(ModelVersion version, CancellationToken cancel);
}

/// <summary>Loads from the artifact store.</summary>
internal sealed class ArtifactScorerLoader(ArtifactStore artifacts, FeatureFunctions functions, ServingOptions options) : IScorerLoader
{
    public async Task<IScorer> LoadAsync(ModelVersion version, CancellationToken cancel) =>
        new Loaded(await ModelScorer.LoadAsync(artifacts, functions, version.ToFiles(), cancel), options.ExplainThreads);

    private sealed class Loaded(ModelScorer scorer, int explainThreads) : IScorer
    {
        public TaskKind Task => scorer.Task;

        public IReadOnlyList<string>? Classes => scorer.Classes;

        public ModelContract Contract { get; } = new(scorer.Signature, scorer.Labels);

        public long StoredBytes => scorer.StoredBytes;

        public IReadOnlyList<Prediction> Predict(IReadOnlyList<JsonElement> rows) => scorer.Predict(rows);

        public Task<PredictionRanges> RangesAsync(
            IReadOnlyList<JsonElement> rows, IReadOnlyList<Prediction> predictions, double level, CancellationToken cancel) =>
            scorer.RangesAsync(rows, predictions, level, cancel);

        public Task<PredictionExplanations> ExplainAsync(IReadOnlyList<JsonElement> rows, bool everyClass, CancellationToken cancel) =>
            scorer.ExplainAsync(rows, everyClass, explainThreads, cancel);
    }
}

/// <summary>A registered version cannot be loaded, and trying again does not help: its artifacts are missing or damaged.</summary>
public sealed class ModelLoadException : Exception
{
    public ModelLoadException() { }

    public ModelLoadException(string message) : base(message) { }

    public ModelLoadException(string message, Exception innerException) : base(message, innerException) { }
}

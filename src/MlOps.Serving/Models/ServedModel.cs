using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;

namespace MlOps.Serving.Models;

/// <summary>A version loaded and ready to predict.</summary>
internal sealed record ServedModel(string Model, int Version, IScorer Scorer)
{
    /// <summary>Looked up once, as every request is measured.</summary>
    private readonly VersionCounter.Count predicted = Telemetry.PredictRows.Of(Model, Version);

    /// <summary>Notes that the rows of a request were predicted.</summary>
    public void Measure(int rows, TimeSpan took)
    {
        if (rows > 0)
        {
            Telemetry.PredictDuration.Record(took.TotalSeconds, predicted.Tags);
            predicted.Add(rows);
        }
    }

    /// <summary>Of the production version: with which others it shares requests; null: it answers all.</summary>
    public ServedTraffic? Traffic { get; init; }
}

/// <summary>The other versions of a split.</summary>
/// <param name="Split">How requests are shared out.</param>
/// <param name="Others">The versions beside production that are loaded, the shadow among them; what could not be loaded is not here.</param>
internal sealed record ServedTraffic(TrafficSplit Split, IReadOnlyDictionary<int, ServedModel> Others)
{
    public ServedModel? Shadow => Split.Shadow is { } shadow ? Others.GetValueOrDefault(shadow) : null;

    /// <summary>True when a request may be answered by another version than production.</summary>
    public bool HasChallengers { get; } = Split.Challengers.Any();
}

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

/// <summary>How loading is told of when it failed for good.</summary>
internal static class ScorerLoading
{
    /// <param name="loader">Loads.</param>
    /// <param name="version">What is loaded.</param>
    /// <param name="role">Said of the version, after its name; may be empty.</param>
    /// <param name="advice">What to do.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="ModelLoadException">Trying again does not help. What may pass by itself is thrown as it is.</exception>
    public static async Task<IScorer> LoadOrTellAsync(
        this IScorerLoader loader, ModelVersion version, string role, string advice, CancellationToken cancel)
    {
        try
        {
            return await loader.LoadAsync(version, cancel);
        }
        catch (Exception fault) when (fault is not OperationCanceledException && !TransientFaults.IsTransient(fault))
        {
            var reason = fault is InputException ? fault.Message : "its artifacts are missing or damaged.";
            throw new ModelLoadException($"Version {version.Version} of model '{version.Model}'{role} cannot be loaded: {reason} {advice}", fault);
        }
    }
}

/// <summary>Loads from the artifact store.</summary>
internal sealed class ArtifactScorerLoader(ArtifactStore artifacts, FeatureFunctions functions, ServingOptions options, ExplainThreads explaining)
    : IScorerLoader
{
    public async Task<IScorer> LoadAsync(ModelVersion version, CancellationToken cancel) =>
        new Loaded(await ModelScorer.LoadAsync(artifacts, functions, version.ToFiles(), cancel), options, explaining);

    private sealed class Loaded(ModelScorer scorer, ServingOptions options, ExplainThreads explaining) : IScorer
    {
        public TaskKind Task => scorer.Task;

        public IReadOnlyList<string>? Classes => scorer.Classes;

        public ModelContract Contract { get; } = new(scorer.Signature, scorer.Labels);

        public long StoredBytes => scorer.StoredBytes;

        public IReadOnlyList<Prediction> Predict(IReadOnlyList<JsonElement> rows) => scorer.Predict(rows, options.ManyRowsThreads);

        public Task<PredictionRanges> RangesAsync(
            IReadOnlyList<JsonElement> rows, IReadOnlyList<Prediction> predictions, double level, CancellationToken cancel) =>
            scorer.RangesAsync(rows, predictions, level, cancel);

        public Task<PredictionExplanations> ExplainAsync(IReadOnlyList<JsonElement> rows, bool everyClass, CancellationToken cancel) =>
            scorer.ExplainAsync(rows, everyClass, explaining.For((long)rows.Count * (everyClass ? Classes?.Count ?? 1 : 1)), cancel);
    }
}

/// <summary>A registered version cannot be loaded, and trying again does not help: its artifacts are missing or damaged.</summary>
public sealed class ModelLoadException : Exception
{
    public ModelLoadException() { }

    public ModelLoadException(string message) : base(message) { }

    public ModelLoadException(string message, Exception innerException) : base(message, innerException) { }
}

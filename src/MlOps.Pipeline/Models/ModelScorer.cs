using System.Text.Json;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Models;

/// <summary>One prediction.</summary>
/// <param name="Score">Regression: the predicted value. Binary: the probability of the positive class, 0 to 1.</param>
/// <param name="Label">Binary: the predicted class as it stands in the data; null for regression.</param>
public readonly record struct Prediction(double Score, string? Label);

/// <summary>A stored model, loaded and ready to predict. Safe to use from many threads at once.</summary>
public sealed class ModelScorer
{
    public TaskKind Task => throw new NotImplementedException();

    public Signature Signature => throw new NotImplementedException();

    /// <summary>Loads the model that stands under a blob prefix (see <see cref="Registry.ModelVersion.ModelBlobs"/>).</summary>
    public static Task<ModelScorer> LoadAsync(ArtifactStore artifacts, string modelBlobs, CancellationToken cancel) => throw new NotImplementedException();

    /// <summary>Predicts rows given as JSON objects of raw input columns.</summary>
    /// <exception cref="Orchestration.InputException">Rows do not fit the signature; every problem of every row is listed.</exception>
    public IReadOnlyList<Prediction> Predict(IReadOnlyList<JsonElement> rows) => throw new NotImplementedException();
}

using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.ML;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Models;

/// <summary>One prediction.</summary>
/// <param name="Score">Regression: the predicted value. Binary: the probability of the positive class, 0 to 1.</param>
/// <param name="Label">Binary: the predicted class as it stands in the data; null for regression.</param>
public readonly record struct Prediction(double Score, string? Label);

/// <summary>A stored model, loaded and ready to predict. Safe to use from many threads at once.</summary>
public sealed class ModelScorer
{
    private const int MostProblems = 100;

    private readonly Featurizer featurizer;
    private readonly InputReader reader;
    private readonly ITransformer transformer;
    private readonly ConcurrentBag<RowScorer> idle = [];

    private ModelScorer(StoredModel model)
    {
        featurizer = model.Featurizer;
        Signature = model.Signature;
        transformer = model.Transformer;
        reader = new InputReader(featurizer);
    }

    public TaskKind Task => featurizer.Target.Task;

    public Signature Signature { get; }

    /// <summary>Loads the model that stands under a blob prefix (see <see cref="Registry.ModelVersion.ModelBlobs"/>).</summary>
    public static async Task<ModelScorer> LoadAsync(ArtifactStore artifacts, string modelBlobs, CancellationToken cancel) =>
        new(await StoredModel.LoadAsync(artifacts, modelBlobs, cancel));

    /// <summary>Predicts rows given as JSON objects of raw input columns.</summary>
    /// <exception cref="InputException">Rows do not fit the signature; every problem of every row is listed (at most 100).</exception>
    public IReadOnlyList<Prediction> Predict(IReadOnlyList<JsonElement> rows)
    {
        var problems = new List<string>();
        var inputs = new FeatureRow[rows.Count];
        for (var i = 0; i < rows.Count && problems.Count < MostProblems; i++)
        {
            inputs[i] = reader.Read(rows[i], rows.Count == 1 ? "" : $"rows[{i}]: ", problems);
        }
        if (problems.Count > 0)
        {
            throw new InputException([.. problems.Take(MostProblems)]);
        }
        var scorer = idle.TryTake(out var pooled) ? pooled : new RowScorer(transformer, featurizer);
        var predictions = new Prediction[rows.Count];
        for (var i = 0; i < predictions.Length; i++)
        {
            predictions[i] = Describe(scorer.Score(inputs[i]));
        }
        idle.Add(scorer);
        return predictions;
    }

    private Prediction Describe(float score) => Task == TaskKind.Regression
        ? new Prediction(score, null)
        : new Prediction(score, score >= featurizer.Threshold ? featurizer.Target.Positive : featurizer.Target.Negative);
}

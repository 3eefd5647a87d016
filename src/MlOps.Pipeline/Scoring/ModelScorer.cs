using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.ML;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Scoring;

/// <summary>One prediction.</summary>
/// <param name="Score">
/// Regression: the predicted value. Binary: the probability of the positive class, 0 to 1. Multiclass: that of the predicted class.
/// </param>
/// <param name="Label">Binary and multiclass: the predicted class as it stands in the data; null for regression.</param>
/// <param name="Unseen">Categorical inputs whose value is none of the model's categories; null: none.</param>
/// <param name="OutOfRange">Inputs whose value is outside what the model was trained on; null: none.</param>
public readonly record struct Prediction(double Score, string? Label, IReadOnlyList<string>? Unseen = null, IReadOnlyList<string>? OutOfRange = null)
{
    /// <summary>Multiclass: the probability of each class, in their order; null: another task.</summary>
    public IReadOnlyList<double>? Probabilities { get; init; }
}

/// <summary>What became of a row.</summary>
/// <param name="Prediction">Null: the row does not fit the signature.</param>
/// <param name="Problem">Why not; null: it does.</param>
internal readonly record struct PredictedCells(Prediction? Prediction, string? Problem);

/// <summary>How predictions come about.</summary>
/// <param name="Features">Names of the model's features.</param>
/// <param name="BaseValues">
/// For every row the prediction that nothing is known about; in log-odds of the positive class for binary models, of several classes the score of the
/// predicted class (before scores become probabilities; where each class is told from all others, its log-odds).
/// </param>
/// <param name="Contributions">For every row, what each feature adds to the base value (SHAP values); together they make the prediction.</param>
public sealed record PredictionExplanations(
    IReadOnlyList<string> Features, IReadOnlyList<double> BaseValues, IReadOnlyList<IReadOnlyList<double>> Contributions)
{
    /// <summary>Multiclass, where it was asked for: the same of every class's score, in the order of the classes; null: not.</summary>
    public IReadOnlyList<PredictionExplanations>? Classes { get; init; }
}

/// <summary>A stored model, loaded and ready to predict. Safe to use from many threads at once.</summary>
public sealed class ModelScorer
{
    private const int MostProblems = 100;

    /// <summary>Rows that one thread reads and scores at a time where several do.</summary>
    private const int Share = RowTrees.Share;

    private readonly Featurizer featurizer;
    private readonly InputReader reader;
    private readonly ITransformer transformer;
    private readonly ConcurrentBag<RowScorer> idle = [];
    private readonly RowTrees? trees;
    private readonly Func<CancellationToken, Task<BinaryData?>> readExplainer;
    private readonly Func<CancellationToken, Task<ModelIntervals?>> readIntervals;
    private ModelExplainer? explainer;
    private ModelIntervals? intervals;

    private ModelScorer(
        StoredModel model, FeatureFunctions functions, Func<CancellationToken, Task<BinaryData?>> readExplainer,
        Func<CancellationToken, Task<ModelIntervals?>> readIntervals)
    {
        (this.readExplainer, this.readIntervals) = (readExplainer, readIntervals);
        featurizer = model.Featurizer;
        Signature = model.Signature;
        StoredBytes = model.Bytes;
        transformer = model.Transformer;
        reader = new InputReader(featurizer, functions);
        trees = Classes is null ? RowTrees.Of(transformer, featurizer.Sources) : null;
    }

    public TaskKind Task => featurizer.Target.Task;

    /// <summary>Multiclass: the classes, in order; null: another task.</summary>
    public IReadOnlyList<string>? Classes => featurizer.Target.Classes;

    /// <summary>What may be predicted: the negative and the positive value (binary), the classes (multiclass); empty for regression.</summary>
    public IReadOnlyList<string> Labels => featurizer.Target switch
    {
        { Classes: { } classes } => classes,
        { Task: TaskKind.Binary, Negative: { } negative, Positive: { } positive } => [negative, positive],
        _ => [],
    };

    public Signature Signature { get; }

    /// <summary>Size of the files that it was loaded from.</summary>
    public long StoredBytes { get; }

    /// <summary>Loads the model of a registered version.</summary>
    /// <exception cref="InputException">
    /// This process does not have the function of a feature that the model was trained on, or the model's files are not those that were registered.
    /// </exception>
    public static async Task<ModelScorer> LoadAsync(ArtifactStore artifacts, FeatureFunctions functions, ModelFiles model, CancellationToken cancel)
    {
        var stored = await StoredModel.LoadAsync(artifacts, model, cancel);
        return new ModelScorer(
            stored, functions, stop => model.FindAsync(artifacts, ExplainerState.File, stop),
            stop => ModelIntervals.FindAsync(artifacts, model, stored.Featurizer, stop));
    }

    /// <summary>Predicts rows given as JSON objects of raw input columns.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="threads">Threads that many rows may take.</param>
    /// <exception cref="InputException">Rows do not fit the signature; every problem of every row is listed (at most 100).</exception>
    public IReadOnlyList<Prediction> Predict(IReadOnlyList<JsonElement> rows, int threads = 1)
    {
        var predictions = new Prediction[rows.Count];
        if (threads <= 1 || rows.Count < 2 * Share)
        {
            Score(Read(rows), predictions);
            return predictions;
        }
        var shares = (rows.Count + Share - 1) / Share;
        var problems = new List<string>[shares];
        Parallel.For(0, shares, new ParallelOptions { MaxDegreeOfParallelism = threads }, share =>
        {
            var start = share * Share;
            var inputs = Read(rows, start, Math.Min(Share, rows.Count - start), problems[share] = []);
            if (problems[share].Count == 0)
            {
                Score(inputs, predictions.AsSpan(start, inputs.Length));
            }
        });
        return problems.All(some => some.Count == 0) ? predictions : throw new InputException([.. problems.SelectMany(some => some).Take(MostProblems)]);
    }

    private void Score(FeatureRow[] inputs, Span<Prediction> predictions)
    {
        var scorer = idle.TryTake(out var pooled) ? pooled : new RowScorer(transformer, featurizer);
        if (!TryScoreTogether(scorer, inputs, predictions))
        {
            for (var i = 0; i < inputs.Length; i++)
            {
                predictions[i] = PredictOne(scorer, inputs[i]);
            }
        }
        for (var i = 0; i < inputs.Length; i++)
        {
            predictions[i] = predictions[i] with { Unseen = inputs[i].Unseen, OutOfRange = inputs[i].OutOfRange };
        }
        idle.Add(scorer);
    }

    private bool TryScoreTogether(RowScorer scorer, FeatureRow[] inputs, Span<Prediction> predictions)
    {
        if (inputs.Length < RowTrees.LeastBlock || trees is not { } together)
        {
            return false;
        }
        var scores = new float[inputs.Length];
        if (!together.TryPredict(inputs, scorer, scores))
        {
            return false;
        }
        for (var i = 0; i < scores.Length; i++)
        {
            predictions[i] = PredictionOf(scores[i]);
        }
        return true;
    }

    /// <summary>Predicts each row of a table by itself, as <see cref="Predict"/> does: a row that does not fit the signature does not keep the others from it.
    /// </summary>
    /// <param name="rows">An array of JSON objects of raw input columns.</param>
    /// <param name="predicted">Takes what becomes of each.</param>
    internal void PredictEach(JsonElement rows, Span<PredictedCells> predicted)
    {
        var scorer = idle.TryTake(out var pooled) ? pooled : new RowScorer(transformer, featurizer);
        var problems = new List<string>();
        var place = 0;
        foreach (var row in rows.EnumerateArray())
        {
            problems.Clear();
            var input = reader.Read(row, "", problems);
            predicted[place++] = problems.Count == 0
                ? new PredictedCells(PredictOne(scorer, input), null)
                : new PredictedCells(null, string.Join(' ', problems));
        }
        idle.Add(scorer);
    }

    /// <summary>Says how sure predictions are. What that needs is read when it is asked for the first time: who does not ask waits for nothing.</summary>
    /// <param name="rows">Rows given as JSON objects of raw input columns.</param>
    /// <param name="predictions">What <see cref="Predict"/> said of them.</param>
    /// <param name="level">With which probability, <see cref="ConformalScores.LeastLevel"/> to <see cref="ConformalScores.MostLevel"/>.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="InputException">This version has no intervals, or too few rows tell anything at the level.</exception>
    public async Task<PredictionRanges> RangesAsync(
        IReadOnlyList<JsonElement> rows, IReadOnlyList<Prediction> predictions, double level, CancellationToken cancel)
    {
        intervals ??= await readIntervals(cancel)
            ?? throw new InputException(
                "This version was trained by a release that made no intervals: leave out 'interval', or start a new run, whose version has them.");
        return intervals.Of(Read(rows), predictions, level);
    }

    /// <summary>Explains the predictions of rows given as JSON objects of raw input columns.</summary>
    /// <exception cref="InputException">Rows do not fit the signature, or the model has no explanation of single predictions.</exception>
    /// <param name="rows">The rows.</param>
    /// <param name="everyClass">Multiclass: every class's score is explained, not only that of the predicted class.</param>
    /// <param name="scheduler">Where it works, and on how many threads: those who share one have no more together. Parts of the work take turns there.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<PredictionExplanations> ExplainAsync(
        IReadOnlyList<JsonElement> rows, bool everyClass, TaskScheduler scheduler, CancellationToken cancel)
    {
        var inputs = Read(rows);
        // A version serves before its run has explained it, so the explainer is looked for until it is there.
        explainer ??= await LoadExplainerAsync(cancel);
        var features = explainer.Features;
        if (Classes is null)
        {
            return await OfClassAsync(0);
        }
        var predicted = Predict(rows).Select(prediction => ClassProbabilities.MostProbable([.. prediction.Probabilities!])).ToList();
        // Of many classes the others' scores are left alone, unless they are asked for.
        var classes = new Dictionary<int, PredictionExplanations>();
        foreach (var place in everyClass ? Enumerable.Range(0, explainer.Outputs) : predicted.Distinct())
        {
            classes[place] = await OfClassAsync(place);
        }
        return new PredictionExplanations(
            features, [.. predicted.Select((place, row) => classes[place].BaseValues[row])],
            [.. predicted.Select((place, row) => classes[place].Contributions[row])])
        {
            Classes = everyClass ? [.. Enumerable.Range(0, explainer.Outputs).Select(place => classes[place])] : null,
        };

        async Task<PredictionExplanations> OfClassAsync(int place) => new(
            features, [.. inputs.Select(_ => explainer.BaseValues[place])],
            [.. (await explainer.ExplainAsync(inputs, place, scheduler, cancel)).Chunk(features.Count)]);
    }

    private async Task<ModelExplainer> LoadExplainerAsync(CancellationToken cancel)
    {
        var stored = await readExplainer(cancel)
            ?? throw new InputException(
                "This version is not explained yet, or its run's stage 'explain' failed: try again when its run has ended, or leave out 'explain'.");
        var state = Stored.Read<ExplainerState>(stored.ToString());
        return state.Kind != ExplainerKind.Permutation
            ? ModelExplainer.Of(transformer, featurizer, state)
            : throw new InputException(
                "This version has no SHAP values (its run's stage 'explain' says why), so single predictions cannot be explained: leave out 'explain'.");
    }

    private FeatureRow[] Read(IReadOnlyList<JsonElement> rows)
    {
        var problems = new List<string>();
        var inputs = Read(rows, 0, rows.Count, problems);
        return problems.Count == 0 ? inputs : throw new InputException([.. problems.Take(MostProblems)]);
    }

    private FeatureRow[] Read(IReadOnlyList<JsonElement> rows, int start, int count, List<string> problems)
    {
        var inputs = new FeatureRow[count];
        for (var i = 0; i < count && problems.Count < MostProblems; i++)
        {
            var before = problems.Count;
            inputs[i] = reader.Read(rows[start + i], "", problems);
            for (var problem = before; rows.Count > 1 && problem < problems.Count; problem++)
            {
                problems[problem] = $"rows[{start + i}]: {problems[problem]}";
            }
        }
        return inputs;
    }

    private Prediction PredictOne(RowScorer scorer, FeatureRow row)
    {
        if (featurizer.Target.Classes is not { } classes)
        {
            return PredictionOf(trees?.Predict(row, scorer) ?? scorer.Score(row));
        }
        var probabilities = scorer.ScoreClasses(row);
        var place = ClassProbabilities.MostProbable(probabilities);
        return new Prediction(probabilities[place], classes[place]) { Probabilities = probabilities };
    }

    private Prediction PredictionOf(float score) => featurizer.Target switch
    {
        { Task: TaskKind.Binary } target => new Prediction(score, score >= featurizer.Threshold ? target.Positive : target.Negative),
        _ => new Prediction(featurizer.Scale?.FromModel(score) ?? score, null),
    };
}

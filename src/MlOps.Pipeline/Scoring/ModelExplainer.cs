using Microsoft.ML;
using Microsoft.ML.Trainers;
using MlOps.Explain;
using MlOps.Explain.MLNet;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Scoring;

/// <summary>
/// SHAP values of a model, feature by feature (one-hot slots summed to their column). Regression: in the target's unit. Binary: in
/// log-odds of the positive class. Multiclass: of each class's score. Base value and contributions add up to the prediction. Safe to use from many threads at
/// once.
/// </summary>
internal sealed class ModelExplainer
{
    private readonly Featurizer featurizer;
    private readonly ModelParts parts;
    private readonly TreeShap[]? trees;
    private readonly LinearShap[]? linear;

    private ModelExplainer(Featurizer featurizer, ModelParts parts, TreeShap[] trees) => (this.featurizer, this.parts, this.trees) = (featurizer, parts, trees);

    private ModelExplainer(Featurizer featurizer, ModelParts parts, LinearShap[] linear) =>
        (this.featurizer, this.parts, this.linear) = (featurizer, parts, linear);

    /// <summary>What is explained: one prediction, or the score of each class.</summary>
    public int Outputs => trees?.Length ?? linear!.Length;

    /// <summary>Of each output the prediction that nothing is known about: what contributions are counted from.</summary>
    public IReadOnlyList<double> BaseValues =>
        [.. Enumerable.Range(0, Outputs).Select(OwnBaseValue).Select(own => featurizer.Scale is { } scale ? scale.FromModel(own) : own)];

    private double OwnBaseValue(int output) => trees?[output].ExpectedValue ?? linear![output].BaseValue;

    /// <summary>Names of the features, in the contributions' order.</summary>
    public IReadOnlyList<string> Features => [.. featurizer.Signature.Features.Select(feature => feature.Name)];

    /// <summary>Learns from the training rows what explaining needs.</summary>
    /// <exception cref="NotSupportedException">The model has no exact SHAP values here.</exception>
    public static ExplainerState Fit(ITransformer model, FeatureTable train, int threads, CancellationToken cancel)
    {
        var parts = Parts(model, train.Featurizer);
        var rows = new PreparedRows(train, parts.Preparation);
        if (ClassModels.Of(parts.Model) is { } classes)
        {
            return classes[0].Trees is null
                ? new ExplainerState(ExplainerKind.LinearShap, Means: rows.Means(cancel))
                : new ExplainerState(ExplainerKind.TreeShap)
                {
                    ClassCovers = [.. classes.Select(one => NodeCovers.Count(one.Trees!, rows.Slots, rows.Count, rows.Fill, threads, cancel))],
                };
        }
        if (TreeEnsembleReader.Read(parts.Model) is { } ensemble)
        {
            return new ExplainerState(ExplainerKind.TreeShap, Covers: NodeCovers.Count(ensemble, rows.Slots, rows.Count, rows.Fill, threads, cancel));
        }
        return parts.Model is LinearRegressionModelParameters or LinearBinaryModelParameters
            ? new ExplainerState(ExplainerKind.LinearShap, Means: rows.Means(cancel))
            : throw new NotSupportedException($"{parts.Model.GetType().Name} is neither trees nor linear.");
    }

    /// <exception cref="NotSupportedException">The model has no exact SHAP values here.</exception>
    public static ModelExplainer Of(ITransformer model, Featurizer featurizer, ExplainerState state)
    {
        var parts = Parts(model, featurizer);
        var (slope, offset) = (parts.Link?.Slope ?? 1, parts.Link?.Offset ?? 0);
        var columns = ColumnsOf(featurizer);
        return (parts.Model, ClassModels.Of(parts.Model), state) switch
        {
            (_, { } classes, { Means: { } means }) => new ModelExplainer(
                featurizer, parts, [.. classes.Select(one => LinearShap.Of(one.Linear!.Weights, one.Linear.Bias, means, columns, slope: 1, offset: 0))]),
            (_, { } classes, { ClassCovers: { } covers }) => new ModelExplainer(featurizer, parts, [.. classes.Zip(covers, (one, counted) =>
                new TreeShap(one.Trees!.Linear(one.Link?.Slope ?? 1, one.Link?.Offset ?? 0), counted, columns))]),
            (LinearModelParameters weights, _, { Means: { } means }) =>
                new ModelExplainer(featurizer, parts, [LinearShap.Of(weights.Weights, weights.Bias, means, columns, slope, offset)]),
            (var trees, _, { Covers: { } covers }) when TreeEnsembleReader.Read(trees) is { } ensemble =>
                new ModelExplainer(featurizer, parts, [new TreeShap(ensemble.Linear(slope, offset), covers, columns)]),
            _ => throw new NotSupportedException($"{parts.Model.GetType().Name} cannot be explained by {state.Kind}."),
        };
    }

    /// <summary>Contributions of every feature to the predictions of some rows of a table: row after row, one number a feature.</summary>
    /// <param name="table">The table.</param>
    /// <param name="rows">Which rows.</param>
    /// <param name="output">What is explained: 0, or of several classes the place of the one whose score is meant.</param>
    /// <param name="threads">Threads to use.</param>
    /// <param name="cancel">Stops the work.</param>
    public double[] Explain(FeatureTable table, int[] rows, int output, int threads, CancellationToken cancel) =>
        Explain(new PreparedRows(table, parts.Preparation, rows), output, threads, cancel);

    /// <summary>The same of rows that somebody waits for, on threads that those who wait share.</summary>
    /// <param name="rows">The rows.</param>
    /// <param name="output">What is explained: 0, or of several classes the place of the one whose score is meant.</param>
    /// <param name="scheduler">Where it works, and on how many threads.</param>
    /// <param name="cancel">Stops the work.</param>
    public async Task<double[]> ExplainAsync(IReadOnlyList<FeatureRow> rows, int output, TaskScheduler scheduler, CancellationToken cancel)
    {
        var prepared = new PreparedRows(featurizer, parts.Preparation, rows.Count, row => rows[row]);
        return InUnit(trees is null
            ? await Task.Factory.StartNew(() => ExplainLinear(prepared, output, cancel), cancel, TaskCreationOptions.DenyChildAttach, scheduler)
            : await trees[output].ExplainAsync(prepared.Count, prepared.Fill, scheduler, cancel));
    }

    private double[] Explain(PreparedRows rows, int output, int threads, CancellationToken cancel) =>
        InUnit(trees is null ? ExplainLinear(rows, output, cancel) : trees[output].Explain(rows.Count, rows.Fill, threads, cancel));

    /// <summary>From the unit in which the model predicts to the target's.</summary>
    private double[] InUnit(double[] contributions)
    {
        for (var i = 0; featurizer.Scale is { } scale && i < contributions.Length; i++)
        {
            contributions[i] *= scale.Factor;
        }
        return contributions;
    }

    private double[] ExplainLinear(PreparedRows rows, int output, CancellationToken cancel)
    {
        var features = Features.Count;
        var contributions = new double[rows.Count * features];
        var size = RowBlocks.Size(rows.Slots);
        var block = new float[size * rows.Slots];
        for (var start = 0; start < rows.Count; start += size)
        {
            cancel.ThrowIfCancellationRequested();
            var count = Math.Min(size, rows.Count - start);
            rows.Fill(start, count, block);
            for (var row = 0; row < count; row++)
            {
                linear![output].AddTo(block.AsSpan(row * rows.Slots, rows.Slots), contributions.AsSpan((start + row) * features, features));
            }
        }
        return contributions;
    }

    /// <summary>Feature of every slot.</summary>
    private static int[] ColumnsOf(Featurizer featurizer) =>
    [
        .. featurizer.Direct.SelectMany((input, column) => Enumerable.Repeat(column, input.Categories?.Count ?? 1)),
        .. featurizer.Derived.Select((_, i) => featurizer.Direct.Count + i),
    ];

    private static ModelParts Parts(ITransformer model, Featurizer featurizer)
    {
        var parts = ModelParts.Of(model, FeatureView.Features);
        return parts.Link is null == (featurizer.Target.Task != TaskKind.Binary)
            ? parts
            : throw new NotSupportedException($"{parts.Model.GetType().Name} has no calibrated probability.");
    }
}

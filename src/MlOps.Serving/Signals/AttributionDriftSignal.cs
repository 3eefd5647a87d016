using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Reports.Explain;
using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Pipeline.Scoring;

namespace MlOps.Serving.Signals;

/// <summary>
/// Whether predictions rest on the same features as on the validation rows: the features in the order of their mean absolute SHAP values, compared by
/// normalised discounted cumulative gain, as Amazon SageMaker Clarify and Azure Machine Learning do (feature attribution drift).
/// </summary>
internal sealed class AttributionDriftSignal : ISignal
{
    /// <summary>SHAP values of so many rows take well under a second, and the order of features needs no more.</summary>
    private const int MostRows = 500;

    private const int MostParts = 20;

    public string Name => SignalNames.AttributionDrift;

    public SignalMode ModeOf(PipelineDefinition definition) => definition.Monitor.Signals.AttributionDrift.Mode;

    public async Task<SignalResult> EvaluateAsync(SignalWindow window, CancellationToken cancel)
    {
        if (await window.FindAsync(ExplainerState.File, cancel) is not { } explainer)
        {
            throw new InputException($"Version {window.Version.Version} is not explained yet, or its run's stage 'explain' failed.");
        }
        var state = Stored.Read<ExplainerState>(explainer.ToString());
        if (state.Kind == ExplainerKind.Permutation)
        {
            throw new InputException($"Version {window.Version.Version} has no SHAP values; its run's stage 'explain' says why.");
        }
        if (await window.FindAsync(FeatureImportance.File, cancel) is not { } kept)
        {
            throw new InputException(
                $"Version {window.Version.Version} was explained by a release that did not keep how much each feature counts; the next run's version has it.");
        }
        var then = Stored.Read<FeatureImportance>(kept.ToString()).Features;
        var model = await window.ModelAsync(cancel);
        var scored = await window.ScoredAsync(cancel);
        var rows = scored.Sample(MostRows);
        var now = await Task.Run(
            () => ImportanceOf(ModelExplainer.Of(model.Transformer, model.Featurizer, state), scored, rows, window.Threads, cancel), cancel);
        var limit = window.Definition.Monitor.Signals.AttributionDrift.NdcgAtLeast;
        var ndcg = Ndcg(then, now);
        var order = string.Join(", ", now.OrderByDescending(feature => feature.Value).Take(3).Select(feature => feature.Key));
        return new SignalResult(
            Name, ndcg < limit ? SignalVerdict.Warning : SignalVerdict.Ok,
            string.Create(CultureInfo.InvariantCulture, $"NDCG {ndcg:0.000} on {rows.Length:N0} rows; what counts most now: {order}."))
        {
            Measure = "ndcg",
            Value = ndcg,
            Threshold = limit,
            Rule = string.Create(CultureInfo.InvariantCulture, $"< {limit}"),
            Rows = rows.Length,
            Parts =
            [
                .. then.OrderByDescending(feature => feature.Value).Take(MostParts)
                    .Select(feature => new SignalPart(feature.Key, now.GetValueOrDefault(feature.Key), feature.Value, false)),
            ],
        };
    }

    /// <summary>
    /// How well the features' order now orders what they counted then, 0 to 1: 1 where the order is the same (Järvelin and Kekäläinen, Cumulated Gain-Based
    /// Evaluation of IR Techniques, 2002).
    /// </summary>
    public static double Ndcg(IReadOnlyDictionary<string, double> then, IReadOnlyDictionary<string, double> now)
    {
        var ideal = Gain(then.OrderByDescending(feature => feature.Value));
        var found = Gain(then.OrderByDescending(feature => now.GetValueOrDefault(feature.Key)).ThenByDescending(feature => feature.Value));
        return ideal > 0 ? found / ideal : 1;

        static double Gain(IEnumerable<KeyValuePair<string, double>> order) => order.Select((feature, place) => feature.Value / Math.Log2(place + 2)).Sum();
    }

    private static Dictionary<string, double> ImportanceOf(
        ModelExplainer explainer, ScoredWindow scored, int[] rows, int threads, CancellationToken cancel)
    {
        var classes = scored.Table.Featurizer.Target.Classes?.Count;
        int[]? predicted = classes is { } count
            ? [.. rows.Select(row => ClassProbabilities.MostProbable(scored.Predictions.AsSpan(row * count, count)))]
            : null;
        var shap = RowShap.Of(explainer, scored.Table, rows, predicted, threads, cancel);
        return shap.Features.Index().ToDictionary(
            feature => feature.Item,
            feature => Enumerable.Range(0, rows.Length).Average(row => Math.Abs(shap.Contributions[(row * shap.Features.Count) + feature.Index])),
            StringComparer.Ordinal);
    }
}

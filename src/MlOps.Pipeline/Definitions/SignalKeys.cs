using MlOps.Pipeline.Definitions.Shapes;
using static MlOps.Pipeline.Definitions.Shapes.Shape;

namespace MlOps.Pipeline.Definitions;

/// <summary>The keys of what is watched of a model that serves.</summary>
internal static class SignalKeys
{
    private static SignalShape<PredictionDriftRule> PredictionDrift { get; } = new(new(), Object(new PredictionDriftRule())
        .Key("test", "The drift test; left out: wasserstein of numbers and probabilities, jensenshannon of classes.", Choice(DefinitionNames.DriftTests),
            rule => rule.Test, (rule, value) => rule with { Test = value })
        .Key("threshold", "Where drift begins; left out: the test's own threshold.", Number(0),
            rule => rule.Threshold, (rule, value) => rule with { Threshold = value }));

    private static SignalShape<DataQualityRule> DataQuality { get; } = new(new(), Object(new DataQualityRule())
        .Key("riseAtMost", "By how much a column's share of missing, unseen or out-of-range values may be above that of training.", Number(0, 1),
            rule => rule.RiseAtMost, (rule, value) => rule with { RiseAtMost = value }));

    private static SignalShape<AttributionDriftRule> AttributionDrift { get; } = new(new(), Object(new AttributionDriftRule())
        .Key("ndcgAtLeast", "How alike the order of the features by their SHAP values must be to that on the validation rows (NDCG).", Number(0, 1),
            rule => rule.NdcgAtLeast, (rule, value) => rule with { NdcgAtLeast = value }));

    private const string Drop = "By how much the metric may be worse than on the validation rows, as a share of what it was there: 0.1 is a tenth.";

    private static SignalShape<MeasuredPerformanceRule> Performance { get; } = new(new(), Object(new MeasuredPerformanceRule())
        .Key("dropAtMost", Drop, Number(0), rule => rule.DropAtMost, (rule, value) => rule with { DropAtMost = value })
        .Key("delay",
            "How long after its prediction the truth about a row is told, such as \"7.00:00:00\" (seven days): rows are measured that were "
                + "predicted so long before.",
            Span(TimeSpan.Zero, MeasuredPerformanceRule.MostDelay, "a time span from \"00:00:00\" to \"90.00:00:00\" (ninety days)"),
            rule => rule.Delay == TimeSpan.Zero ? (TimeSpan?)null : rule.Delay, (rule, value) => rule with { Delay = value }));

    private static SignalShape<PerformanceRule> EstimatedPerformance { get; } = new(new(), Object(new PerformanceRule())
        .Key("dropAtMost", Drop, Number(0), rule => rule.DropAtMost, (rule, value) => rule with { DropAtMost = value }));

    public static ObjectShape<SignalRules> Signals { get; } = Object(new SignalRules())
        .Key("predictionDrift", "Predictions against those of the validation rows.", PredictionDrift,
            rules => rules.PredictionDrift == new PredictionDriftRule() ? null : rules.PredictionDrift,
            (rules, value) => rules with { PredictionDrift = value })
        .Key("dataQuality", "Missing, unseen and out-of-range values against those of training.", DataQuality,
            rules => rules.DataQuality, (rules, value) => rules with { DataQuality = value })
        .Key("attributionDrift", "What predictions rest on, against what they rested on in the validation rows.", AttributionDrift,
            rules => rules.AttributionDrift, (rules, value) => rules with { AttributionDrift = value })
        .Key("performance", "The deciding metric on rows with feedback, against that on the validation rows.", Performance,
            rules => rules.Performance, (rules, value) => rules with { Performance = value })
        .Key("estimatedPerformance", "The deciding metric as it is to be expected without feedback, against that on the validation rows.", EstimatedPerformance,
            rules => rules.EstimatedPerformance, (rules, value) => rules with { EstimatedPerformance = value });
}

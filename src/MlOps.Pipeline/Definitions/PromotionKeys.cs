using MlOps.Pipeline.Definitions.Shapes;
using static MlOps.Pipeline.Definitions.Shapes.Shape;

namespace MlOps.Pipeline.Definitions;

/// <summary>The keys of what must hold before promotion.</summary>
internal static class PromotionKeys
{
    private static ObjectShape<ApprovalRule> Approval { get; } = Object(new ApprovalRule())
        .Key("required", "A person must approve before promotion.", Flag(),
            rule => rule.Required, (rule, value) => rule with { Required = value })
        .Key("timeout", "How long to wait for it; left out: one day. Then the candidate counts as rejected.",
            Span(TimeSpan.FromTicks(1), TimeSpan.MaxValue, "a time span such as \"1.00:00:00\" (one day) or \"02:00:00\" (two hours)"),
            rule => rule.Timeout, (rule, value) => rule with { Timeout = value });

    private static ObjectShape<IntervalGate> Interval { get; } = Object(new IntervalGate())
        .Key("coverageAtLeast", "Share of rows that intervals of 0.9 must hold, such as 0.88.", Number(0, 1),
            gate => gate.CoverageAtLeast, (gate, value) => gate with { CoverageAtLeast = value })
        .Key("widthAtMost", "How wide intervals of 0.9 may be on average, in the target's unit; for classes, how many labels their sets may have.", Number(0),
            gate => gate.WidthAtMost, (gate, value) => gate with { WidthAtMost = value });

    private static ObjectShape<SliceGate> Slices { get; } = Object(new SliceGate())
        .Key("atMost", "The deciding metric of no group may be above this.", Number(),
            gate => gate.AtMost, (gate, value) => gate with { AtMost = value })
        .Key("atLeast", "The deciding metric of no group may be below this.", Number(),
            gate => gate.AtLeast, (gate, value) => gate with { AtLeast = value })
        .Key("equalizedOddsAtMost", "Binary: by how much the true and false positive rates of groups may differ.", Number(),
            gate => gate.EqualizedOddsAtMost, (gate, value) => gate with { EqualizedOddsAtMost = value });

    public static ObjectShape<GateRules> Gates { get; } = Object(new GateRules())
        .Key("metric", "The metric that decides, one of the task's; left out: rmse for regression, auc for binary, log_loss for multiclass.",
            Text(among: DefinitionNames.Metrics.SelectMany(metrics => metrics.Value.Keys).Distinct()),
            rules => rules.Metric, (rules, value) => rules with { Metric = value })
        .Key("atMost", "The validation metric must not be above this.", Number(),
            rules => rules.AtMost, (rules, value) => rules with { AtMost = value })
        .Key("atLeast", "The validation metric must not be below this.", Number(),
            rules => rules.AtLeast, (rules, value) => rules with { AtLeast = value })
        .Key("betterBy", "How much better than production the candidate must be, in the metric's unit.", Number(0),
            rules => rules.BetterBy, (rules, value) => rules with { BetterBy = value })
        .Key("significance", "Probability, such as 0.95, with which the candidate must be better than production; left out: the better one is promoted.",
            Number(0.5, 1, openMin: true, openMax: true),
            rules => rules.Significance, (rules, value) => rules with { Significance = value })
        .Key("interval", "How well prediction intervals must hold; left out: whatever.", Interval,
            rules => rules.Interval, (rules, value) => rules with { Interval = value })
        .Key("slices", "What must hold of each group of rows of the columns in slices; left out: nothing.", Slices,
            rules => rules.Slices, (rules, value) => rules with { Slices = value })
        .Key("drift", "Whether a drifted data set blocks promotion, is a warning, or is ignored.", Choice(DefinitionNames.DriftGates),
            rules => rules.Drift, (rules, value) => rules with { Drift = value })
        .Key("driftShare", "Share of drifted columns from which the data set counts as drifted.", Number(0, 1),
            rules => rules.DriftShare, (rules, value) => rules with { DriftShare = value })
        .Key("approval", "Whether a person has the last word.", Approval,
            rules => rules.Approval, (rules, value) => rules with { Approval = value })
        // Left out where there are none: ids of cleaned tables are hashes of what is written here.
        .Key("checks", "Checks of the host that must pass; left out: none.", List(new CheckShape()),
            rules => rules.Checks.Count == 0 ? null : rules.Checks, (rules, value) => rules with { Checks = value });
}

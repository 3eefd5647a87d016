using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Reports.Card;

/// <summary>Every gate that a version met, in order, with its rule and outcome.</summary>
internal static class CardGates
{
    public static IReadOnlyList<CardGate> Of(GateFacts facts) =>
    [
        new("Signature", "the model reads the columns that the data has", GateVerdict.Passed, "names, types and order agree"),
        .. facts.Expectations.Select(expectation => ExpectationOf(expectation, facts.Expected)),
        .. MetricOf(facts),
        .. IntervalsOf(facts),
        .. facts.Slices.SelectMany(report => SliceOf(report, facts)),
        .. facts.Rules.Checks.Select(rule => CheckOf(rule, facts)),
        DriftOf(facts),
        ApprovalOf(facts),
        ProductionOf(facts),
        .. CanaryOf(facts),
    ];

    private static IEnumerable<CardGate> MetricOf(GateFacts facts)
    {
        var (metric, value) = (facts.Metric, facts.Value);
        if (facts.Rules.AtMost is { } most)
        {
            yield return new CardGate("Metric", $"{metric} at most {Text(most)}", PassedIf(value <= most), $"{metric} {Text(value)}");
        }
        if (facts.Rules.AtLeast is { } least)
        {
            yield return new CardGate("Metric", $"{metric} at least {Text(least)}", PassedIf(value >= least), $"{metric} {Text(value)}");
        }
    }

    private static CardGate ExpectationOf(Expectation expectation, IReadOnlyDictionary<string, string> outcomes)
    {
        var name = $"Expected ({DefinitionNames.Consequences.NameOf(expectation.Gate)})";
        return outcomes.GetValueOrDefault(expectation.Name) switch
        {
            null => new CardGate(name, expectation.Rule, GateVerdict.NotReached, "not looked at"),
            ExpectOutcomes.Holds => new CardGate(name, expectation.Rule, GateVerdict.Passed, "it is so"),
            var told when told.StartsWith(ExpectOutcomes.NotCompared, StringComparison.Ordinal) =>
                new CardGate(name, expectation.Rule, GateVerdict.Information, told),
            var unmet => new CardGate(
                name, expectation.Rule, expectation.Gate == Consequence.Block ? GateVerdict.Failed : GateVerdict.Information, unmet),
        };
    }

    private static IEnumerable<CardGate> IntervalsOf(GateFacts facts)
    {
        var (rule, measured) = (facts.Rules.Interval, facts.Intervals);
        if (rule?.CoverageAtLeast is { } least)
        {
            yield return new CardGate(
                "Intervals", $"those of 0.9 hold at least {Text(least)} of the rows", PassedIf(measured?.Coverage >= least),
                measured is null ? "not measured" : Text(measured.Coverage));
        }
        if (rule?.WidthAtMost is { } most)
        {
            yield return new CardGate(
                "Intervals", $"those of 0.9 are at most {Text(most)} wide on average", PassedIf(measured?.Size <= most),
                measured is null ? "not measured" : Text(measured.Size));
        }
    }

    private static IEnumerable<CardGate> SliceOf(Training.SliceReport report, GateFacts facts)
    {
        var gate = facts.Rules.Slices;
        var largerIsBetter = DefinitionNames.Metrics.Values.Any(metrics => metrics.GetValueOrDefault(report.Metric));
        if (gate is { AtMost: null, AtLeast: null, EqualizedOddsAtMost: null } or null || report.Worst(largerIsBetter) is not { } worst)
        {
            yield break;
        }
        var value = worst.Metrics[report.Metric];
        if (gate.AtMost is not null || gate.AtLeast is not null)
        {
            yield return new CardGate(
                $"Groups of {report.Column}", $"{report.Metric} of each group is {Expectation.Between(gate.AtLeast, gate.AtMost)}",
                PassedIf(!(value > gate.AtMost) && !(value < gate.AtLeast)), $"worst: {worst.Name}, {Text(value)}");
        }
        if (gate.EqualizedOddsAtMost is { } most && report.Disparities is { } disparities)
        {
            yield return new CardGate(
                $"Groups of {report.Column}", $"equalised odds differ by at most {Text(most)}", PassedIf(disparities.EqualizedOddsDifference <= most),
                Text(disparities.EqualizedOddsDifference));
        }
    }

    private static CardGate CheckOf(CheckRule rule, GateFacts facts)
    {
        var options = (rule.Options ?? ExtensionOptions.None).Values.OrderBy(option => option.Key, StringComparer.Ordinal)
            .Select(option => $"{option.Key} {option.Value}").ToList();
        var detail = facts.Checks.GetValueOrDefault(rule.Check);
        return new CardGate(
            $"Check {rule.Check}", options.Count == 0 ? "as the host defines it" : string.Join(", ", options),
            detail is null ? GateVerdict.NotReached : PassedIf(detail == CheckOutcomes.Passed), detail ?? "not run");
    }

    private static CardGate DriftOf(GateFacts facts)
    {
        var gates = facts.Rules;
        var rule =
            $"less than {gates.DriftShare.ToString("P0", CultureInfo.InvariantCulture)} of the columns drift ({gates.Drift.ToString().ToLowerInvariant()})";
        if (facts.Drift is not { } drift)
        {
            return new CardGate("Drift", rule, GateVerdict.Information, "no drift report");
        }
        var detail = string.Join(
            "; ",
            drift.Comparisons.Select(
                comparison => $"{comparison.Current.Label} against {comparison.Reference.Label}: {comparison.DriftedColumns} of {comparison.Columns}"));
        var verdict = !drift.Drifted ? GateVerdict.Passed : gates.Drift == DriftGate.Block ? GateVerdict.Failed : GateVerdict.Information;
        return new CardGate("Drift", rule, verdict, detail);
    }

    private static CardGate ApprovalOf(GateFacts facts)
    {
        if (!facts.Rules.Approval.Required)
        {
            return new CardGate("Approval", "not required", GateVerdict.Information, "nobody was asked");
        }
        if (facts.Approval is not { } approval)
        {
            return new CardGate("Approval", "a person approves", GateVerdict.NotReached, "not asked: an earlier gate failed");
        }
        var at = approval.At is { } time ? time.ToString(" (yyyy-MM-dd HH:mm 'UTC')", CultureInfo.InvariantCulture) : "";
        return new CardGate("Approval", "a person approves", PassedIf(approval.Approved), approval + at);
    }

    private static CardGate ProductionOf(GateFacts facts)
    {
        const string Name = "Better than production";
        var (metric, margin) = (facts.Metric, facts.Rules.BetterBy);
        var rule = $"{metric} better than production's on the same rows{(margin > 0 ? $" by at least {Text(margin)}" : "")}";
        if (facts.Previous is null)
        {
            return new CardGate(Name, rule, facts.Promoted ? GateVerdict.Passed : GateVerdict.NotReached, "nothing was in production");
        }
        if (facts.Production is { } old)
        {
            // What a canary came to is a gate of its own.
            var passed = facts.Promoted || facts.BlockedBy.Any(reason => reason.Gate == GateKind.Canary);
            var untold = facts.Untold is { } reason ? $"; which of the rows that was trained on {reason}" : "";
            return new CardGate(Name, rule, PassedIf(passed), $"{metric} {Text(facts.Value)} against {Text(old)} of version {facts.Previous}{untold}");
        }
        var misfit = facts.BlockedBy.FirstOrDefault(reason => reason.Gate == GateKind.Production);
        return new CardGate(
            Name, rule, misfit is null ? GateVerdict.NotReached : GateVerdict.Failed, misfit?.Text ?? "not measured: an earlier gate failed");
    }

    private static IEnumerable<CardGate> CanaryOf(GateFacts facts)
    {
        if (facts.Canary is not { } canary)
        {
            yield break;
        }
        const string Name = "Canary";
        var rule = $"not taken out while it answers {string.Join(" %, ", canary.Steps)} % of the requests";
        var stopped = facts.BlockedBy.FirstOrDefault(reason => reason.Gate == GateKind.Canary);
        yield return facts switch
        {
            { Promoted: true, Previous: null } => new CardGate(Name, rule, GateVerdict.Information, "nothing was in production"),
            { Promoted: true } => new CardGate(Name, rule, GateVerdict.Passed, "it answered its share and went into production"),
            _ when stopped is not null => new CardGate(Name, rule, GateVerdict.Failed, stopped.Text),
            _ => new CardGate(Name, rule, GateVerdict.NotReached, "an earlier gate failed"),
        };
    }

    private static GateVerdict PassedIf(bool holds) => holds ? GateVerdict.Passed : GateVerdict.Failed;

    private static string Text(double value) => value.ToString("G5", CultureInfo.InvariantCulture);
}

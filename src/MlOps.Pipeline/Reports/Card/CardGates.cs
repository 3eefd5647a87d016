using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reports.Drift;

namespace MlOps.Pipeline.Reports.Card;

/// <summary>Every gate that a version met, in order, with its rule and outcome.</summary>
internal static class CardGates
{
    /// <param name="gates">The declared rules.</param>
    /// <param name="metric">Name of the deciding metric.</param>
    /// <param name="value">Its value on the validation rows.</param>
    /// <param name="production">Its value for the version in production on the same rows; null when that was not measured.</param>
    /// <param name="previous">The version that was in production; null when there was none.</param>
    /// <param name="drift">The run's drift report, if it has one.</param>
    /// <param name="approval">What a person decided.</param>
    /// <param name="promoted">Whether the version went into production.</param>
    /// <param name="blockedBy">Why not.</param>
    public static IReadOnlyList<CardGate> Of(
        GateRules gates, string metric, double value, double? production, int? previous, DriftReport? drift, ApprovalDecision? approval, bool promoted,
        IReadOnlyList<Reason> blockedBy) =>
    [
        new("Signature", "the model reads the columns that the data has", GateVerdict.Passed, "names, types and order agree"),
        .. gates.AtMost is { } most
            ? [new CardGate("Metric", $"{metric} at most {Text(most)}", value <= most ? GateVerdict.Passed : GateVerdict.Failed, $"{metric} {Text(value)}")]
            : Array.Empty<CardGate>(),
        .. gates.AtLeast is { } least
            ? [new CardGate("Metric", $"{metric} at least {Text(least)}", value >= least ? GateVerdict.Passed : GateVerdict.Failed, $"{metric} {Text(value)}")]
            : Array.Empty<CardGate>(),
        DriftOf(gates, drift),
        ApprovalOf(gates, approval),
        ProductionOf(gates, metric, value, production, previous, promoted, blockedBy),
    ];

    private static CardGate DriftOf(GateRules gates, DriftReport? drift)
    {
        var rule =
            $"less than {gates.DriftShare.ToString("P0", CultureInfo.InvariantCulture)} of the columns drift ({gates.Drift.ToString().ToLowerInvariant()})";
        if (drift is null)
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

    private static CardGate ApprovalOf(GateRules gates, ApprovalDecision? approval)
    {
        if (!gates.Approval.Required)
        {
            return new CardGate("Approval", "not required", GateVerdict.Information, "nobody was asked");
        }
        var verdict = approval switch { null => GateVerdict.NotReached, { Approved: true } => GateVerdict.Passed, _ => GateVerdict.Failed };
        var at = approval?.At is { } time ? time.ToString(" (yyyy-MM-dd HH:mm 'UTC')", CultureInfo.InvariantCulture) : "";
        return new CardGate("Approval", "a person approves", verdict, approval is null ? "not asked: an earlier gate failed" : approval + at);
    }

    private static CardGate ProductionOf(
        GateRules gates, string metric, double value, double? production, int? previous, bool promoted, IReadOnlyList<Reason> blockedBy)
    {
        var rule = $"{metric} better than production's on the same rows{(gates.BetterBy > 0 ? $" by at least {Text(gates.BetterBy)}" : "")}";
        if (previous is null)
        {
            return new CardGate("Better than production", rule, promoted ? GateVerdict.Passed : GateVerdict.NotReached, "nothing was in production");
        }
        if (production is { } old)
        {
            return new CardGate(
                "Better than production", rule, promoted ? GateVerdict.Passed : GateVerdict.Failed,
                $"{metric} {Text(value)} against {Text(old)} of version {previous}");
        }
        var misfit = blockedBy.FirstOrDefault(reason => reason.Gate == GateKind.Production);
        return new CardGate(
            "Better than production", rule, misfit is null ? GateVerdict.NotReached : GateVerdict.Failed,
            misfit?.Text ?? "not measured: an earlier gate failed");
    }

    private static string Text(double value) => value.ToString("G5", CultureInfo.InvariantCulture);
}

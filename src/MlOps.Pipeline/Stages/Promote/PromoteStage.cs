using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.Promote;

public sealed record PromoteInput(
    TrainedCandidate Winner, IReadOnlyDictionary<string, double> Metrics, IReadOnlyList<Reason> BlockedBy, DatasetRef Validation, ModelLineage Lineage,
    ApprovalDecision? Approval = null);

/// <param name="Version">The registered version.</param>
/// <param name="Promoted">True when it is in production now.</param>
/// <param name="Previous">The version that was in production before; null when there was none.</param>
/// <param name="BlockedBy">Why it is not, one sentence a reason.</param>
/// <param name="Report">The stage's account.</param>
public sealed record PromoteOutput(int Version, bool Promoted, int? Previous, IReadOnlyList<Reason> BlockedBy, StageReport Report) : IStageOutput
{
    /// <summary>True when every gate holds, and a canary decides whether it goes into production.</summary>
    public bool Canary { get; init; }
}

/// <summary>
/// Registers the winner as the next version and moves alias <c>production</c> to it when every gate holds and it beats the current
/// production model by the declared margin, both scored on the same rows that neither was trained on. Where the definition asks for a canary, the alias
/// stays, and the version may go on to that.
/// </summary>
public sealed class PromoteStage(
    ModelRegistry registry, ModelTraffic traffic, DatasetStore datasets, TrainedModels models, RunStore runs, ProductionComparison comparison)
    : IStage<PromoteInput, PromoteOutput>
{
    public static string Name => "promote";

    public async Task<PromoteOutput> RunAsync(StageContext context, PromoteInput input, CancellationToken cancel)
    {
        var definition = await context.GetDefinitionAsync(cancel);
        var manifest = await datasets.GetAsync(input.Validation.Id, cancel);
        var task = TargetColumn.Of(manifest).Task;
        var files = await models.FilesToRegisterAsync(input.Winner.ModelBlobs, cancel);
        var version = await registry.RegisterAsync(
            new ModelVersion
            {
                Model = context.Model,
                RunId = context.RunId,
                DefinitionId = context.DefinitionId,
                Task = task,
                Candidate = input.Winner.Key,
                ModelBlobs = files.Blobs,
                Sha256 = files.Sha256,
                Metrics = input.Metrics,
                Lineage = input.Lineage,
            },
            cancel);
        await runs.UpdateAsync(context.RunId, run => run with { Version = version.Version, Approval = input.Approval }, cancel);

        context.Log($"registered as version {version.Version}, candidate {input.Winner.Key}");

        var (previous, canary, blockedBy) = input.BlockedBy.Count > 0
            ? ((await registry.FindAsync(context.Model, cancel))?.Production, false, input.BlockedBy)
            : await PromoteAsync(context, version, manifest, definition, cancel);
        foreach (var reason in blockedBy)
        {
            context.Log($"not promoted: {reason.Text}");
        }
        if (blockedBy.Count == 0)
        {
            context.Log($"{(canary ? "all gates hold; a canary decides" : "in production")}{(previous is null ? "" : $"; before: version {previous}")}");
        }
        return new PromoteOutput(version.Version, blockedBy.Count == 0 && !canary, previous, Reasons.Cap(blockedBy), new StageReport(manifest.Rows))
        {
            Canary = canary,
        };
    }

    /// <summary>The version in production before, and no reason when promoted, else the reasons why not. The loser of a race with another run decides
    /// again against the new production.</summary>
    private async Task<(int? Previous, bool Canary, IReadOnlyList<Reason> BlockedBy)> PromoteAsync(
        StageContext context, ModelVersion version, DatasetManifest validation, PipelineDefinition definition, CancellationToken cancel)
    {
        while (true)
        {
            // In this order: where the same stage, running a second time, has promoted in between, it is not compared with itself.
            var production = (await registry.FindAsync(context.Model, cancel))?.Production;
            if (await registry.FindPromotionAsync(context.Model, context.RunId, cancel) is { } earlier)
            {
                return (earlier.Replaced, false, []);
            }
            if (production is { } current)
            {
                var inProduction = await registry.GetAsync(context.Model, current, cancel);
                if (await CompareAsync(context, version, inProduction, validation, definition.Gates, cancel) is { } reason)
                {
                    return (current, false, [new Reason(reason, GateKind.Production)]);
                }
                if (definition.Traffic.Canary is not null)
                {
                    var misfit = await WhyNoCanaryAsync(version, current, cancel);
                    return (current, misfit is null, misfit is null ? [] : [new Reason(misfit, GateKind.Canary)]);
                }
            }
            var result = await registry.PromoteAsync(context.Model, version.Version, production, context.RunId, cancel);
            if (result.Promoted)
            {
                return (production, false, []);
            }
        }
    }

    /// <summary>Null when callers can be answered by either version, else why not.</summary>
    private async Task<string?> WhyNoCanaryAsync(ModelVersion version, int production, CancellationToken cancel)
    {
        try
        {
            await traffic.CheckAsync(version.Model, version.Version, production, cancel);
            return null;
        }
        catch (InputException misfit)
        {
            return $"canary: callers cannot be answered by either version. {misfit.Message.ReplaceLineEndings(" ")} "
                + "Promote by hand if the new columns are wanted.";
        }
    }

    /// <summary>Null when the new version is better than production by the margin, else the reason why it is not promoted.</summary>
    private async Task<string?> CompareAsync(
        StageContext context, ModelVersion version, ModelVersion production, DatasetManifest validation, GateRules gates, CancellationToken cancel)
    {
        ScoredTogether scored;
        try
        {
            scored = await comparison.ScoreAsync(version, production, validation, context.Warn, cancel);
        }
        catch (InputException misfit)
        {
            return $"production: version {production.Version} cannot be scored on this data, so nothing shows that version {version.Version} is better: "
                + $"{misfit.Message.ReplaceLineEndings(" ")} Promote by hand if the new data is wanted.";
        }
        await TellAsync(context, scored, production.Version, cancel);
        if (scored.Candidate.Count < Evaluation.FewestRows)
        {
            return $"production: only {scored.Candidate.Count} {(scored.Candidate.Count == 1 ? "row is" : "rows are")} there to compare version "
                + $"{version.Version} with version {production.Version} by; "
                + $"{Evaluation.FewestRows} are the fewest. Give more rows, or promote by hand.";
        }
        return await JudgeAsync(context, scored, production.Version, gates, cancel);
    }

    private static async Task<string?> JudgeAsync(
        StageContext context, ScoredTogether scored, int production, GateRules gates, CancellationToken cancel)
    {
        var (metric, largerIsBetter) = Evaluation.DecidingMetric(gates, scored.Candidate.Task);
        var rescored = scored.Production.Metrics();
        var (mine, theirs) = (scored.Candidate.Metrics()[metric], rescored[metric]);
        var gain = largerIsBetter ? mine - theirs : theirs - mine;
        var interval = Gain(MetricIntervals.OfDifference(scored.Candidate, scored.Production, metric), largerIsBetter);
        context.Log($"{metric} on {scored.Candidate.Count:N0} common rows: {mine:G6}, production version {production}: {theirs:G6}");
        await context.LogMetricsAsync(Logged(rescored, gain, interval), cancel);
        if (interval?.Contains(0) == true)
        {
            context.Warn(new Warning(WarningCodes.NotToldApart, string.Create(
                CultureInfo.InvariantCulture,
                $"The two cannot be told apart: {metric} is {mine:G6} for the new version and {theirs:G6} for version {production} on "
                    + $"{scored.Candidate.Count:N0} common rows, and the 95 % interval of the gain ({interval.Low:G4} to {interval.High:G4}) holds 0.")));
        }
        if (!(gain > gates.BetterBy || (gates.BetterBy > 0 && gain >= gates.BetterBy)))
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"production: {metric} {mine:G6} is not better than {theirs:G6} of production version {production} on the same rows by the "
                    + $"required {gates.BetterBy:G6}");
        }
        if (gates.Significance is not { } level
            || Gain(MetricIntervals.OfDifference(scored.Candidate, scored.Production, metric, level), largerIsBetter) is { Low: > 0 })
        {
            return null;
        }
        return string.Create(
            CultureInfo.InvariantCulture,
            $"production: {metric} {mine:G6} is better than {theirs:G6} of production version {production}, but not with the required probability of "
                + $"{level:G6}");
    }

    private static Dictionary<string, double> Logged(IReadOnlyDictionary<string, double> production, double gain, Interval? interval)
    {
        var logged = production.ToDictionary(measured => ProductionMetrics.Prefix + measured.Key, measured => measured.Value);
        logged[ProductionMetrics.Gain] = gain;
        if (interval is not null)
        {
            logged[IntervalMetrics.Low + ProductionMetrics.Gain] = interval.Low;
            logged[IntervalMetrics.High + ProductionMetrics.Gain] = interval.High;
        }
        return logged;
    }

    /// <summary>Subtracted, not negated: an end at 0 would be told as -0.</summary>
    private static Interval? Gain(Interval? difference, bool largerIsBetter) =>
        difference is null || largerIsBetter ? difference : new Interval(0 - difference.High, 0 - difference.Low);

    private static async Task TellAsync(StageContext context, ScoredTogether scored, int production, CancellationToken cancel)
    {
        if (scored.Untold is { } reason)
        {
            await context.LogParamsAsync(new Dictionary<string, string> { [ProductionMetrics.Untold] = $"cannot be told: {reason}" }, cancel);
            context.Warn(new Warning(WarningCodes.KnownRowsUntold, string.Create(
                CultureInfo.InvariantCulture,
                $"It cannot be told which of the {scored.Candidate.Count:N0} validation rows version {production} in production was trained on: {reason}. "
                    + $"None is left out of the comparison; those that it knows make it look better than it is."))
            {
                Count = scored.Candidate.Count,
                Headline = true,
            });
        }
        if (scored.LeftOut > 0)
        {
            context.Warn(new Warning(WarningCodes.KnownRowsLeftOut, string.Create(
                CultureInfo.InvariantCulture,
                $"{Warning.Counted(scored.LeftOut, "validation row is", "validation rows are")} among those that production was trained on; "
                    + $"the two are compared without {(scored.LeftOut == 1 ? "it" : "them")}."))
            {
                Count = scored.LeftOut,
            });
        }
    }
}

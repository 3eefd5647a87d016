using System.Globalization;
using Microsoft.ML;
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
    TrainedCandidate Winner, IReadOnlyDictionary<string, double> Metrics, IReadOnlyList<Reason> FailedGates, DatasetRef Validation, ModelLineage Lineage,
    ApprovalDecision? Approval = null);

/// <param name="Version">The registered version.</param>
/// <param name="Promoted">True when it is in production now.</param>
/// <param name="Previous">The version that was in production before; null when there was none.</param>
/// <param name="BlockedBy">Why it is not, one sentence a reason.</param>
/// <param name="Report">The stage's account.</param>
public sealed record PromoteOutput(int Version, bool Promoted, int? Previous, IReadOnlyList<Reason> BlockedBy, StageReport Report) : IStageOutput;

/// <summary>
/// Registers the winner as the next version and moves alias <c>production</c> to it when every gate holds and it beats the current
/// production model on the same validation rows by the declared margin.
/// </summary>
public sealed class PromoteStage(
    ModelRegistry registry, DatasetStore datasets, ArtifactStore artifacts, RunStore runs, FeatureTableCache tables, PipelineOptions options)
    : IStage<PromoteInput, PromoteOutput>
{
    public static string Name => "promote";

    public async Task<PromoteOutput> RunAsync(StageContext context, PromoteInput input, CancellationToken cancel)
    {
        var definition = await context.GetDefinitionAsync(cancel);
        var manifest = await datasets.GetAsync(input.Validation.Id, cancel);
        var task = TargetColumn.Of(manifest).Task;
        var version = await registry.RegisterAsync(
            new ModelVersion
            {
                Model = context.Model,
                RunId = context.RunId,
                DefinitionId = context.DefinitionId,
                Task = task,
                Candidate = input.Winner.Key,
                ModelBlobs = input.Winner.ModelBlobs,
                Metrics = input.Metrics,
                Lineage = input.Lineage,
            },
            cancel);
        await runs.UpdateAsync(context.RunId, run => run with { Version = version.Version, Approval = input.Approval }, cancel);

        var (previous, blockedBy) = input.FailedGates.Count > 0
            ? ((await registry.FindAsync(context.Model, cancel))?.Production, input.FailedGates)
            : await PromoteAsync(context, new Contender(version.Version, input.Metrics, manifest, definition.Gates, task), cancel);
        return new PromoteOutput(version.Version, blockedBy.Count == 0, previous, Reasons.Cap(blockedBy), new StageReport(manifest.Rows));
    }

    /// <summary>The version in production before, and no reason when promoted, else the reasons why not. The loser of a race with another run decides
    /// again against the new production.</summary>
    private async Task<(int? Previous, IReadOnlyList<Reason> BlockedBy)> PromoteAsync(StageContext context, Contender contender, CancellationToken cancel)
    {
        while (true)
        {
            // In this order: where the same stage, running a second time, has promoted in between, it is not compared with itself.
            var production = (await registry.FindAsync(context.Model, cancel))?.Production;
            if (await registry.FindPromotionAsync(context.Model, context.RunId, cancel) is { } earlier)
            {
                return (earlier.Replaced, []);
            }
            if (production is { } current && await CompareAsync(context, contender, current, cancel) is { } reason)
            {
                return (current, [new Reason(reason, GateKind.Production)]);
            }
            var result = await registry.PromoteAsync(context.Model, contender.Version, production, context.RunId, cancel);
            if (result.Promoted)
            {
                return (production, []);
            }
        }
    }

    /// <summary>Null when the new version is better than production by the margin, else the reason why it is not promoted.</summary>
    private async Task<string?> CompareAsync(StageContext context, Contender contender, int current, CancellationToken cancel)
    {
        var (metric, largerIsBetter) = Evaluation.DecidingMetric(contender.Gates, contender.Task);
        var betterBy = contender.Gates.BetterBy;
        var production = await registry.GetAsync(context.Model, current, cancel);
        IReadOnlyDictionary<string, double> rescored;
        try
        {
            rescored = await RescoreAsync(production, contender.Validation, metric, cancel);
        }
        catch (InputException misfit)
        {
            return $"production: version {current} cannot be scored on this data, so nothing shows that version {contender.Version} is better: "
                + $"{misfit.Message.ReplaceLineEndings(" ")} "
                + "Promote by hand if the new columns are wanted.";
        }
        var value = contender.Metrics["val_" + metric];
        var productionValue = rescored[metric];
        await context.LogMetricsAsync(rescored.ToDictionary(measured => $"production_{measured.Key}", measured => measured.Value), cancel);
        var gain = largerIsBetter ? value - productionValue : productionValue - value;
        return gain > betterBy || (betterBy > 0 && gain >= betterBy)
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"production: {metric} {value:G6} is not better than {productionValue:G6} of production version {current} on the same rows by the "
                    + $"required {betterBy:G6}");
    }

    private async Task<IReadOnlyDictionary<string, double>> RescoreAsync(
        ModelVersion production, DatasetManifest validation, string metric, CancellationToken cancel)
    {
        var stored = await StoredModel.LoadAsync(artifacts, production.ModelBlobs, cancel);
        var table = await tables.GetAsync(await datasets.OpenAsync(validation, cancel), stored.Featurizer, cancel);
        var metrics = await Task.Run(() => Evaluation.Measure(new MLContext(), stored.Transformer, table, options.Threads), cancel);
        return metrics.ContainsKey(metric) ? metrics : throw new InputException($"It was trained for another task and has no {metric}.");
    }

    /// <summary>The new version, and what it is judged by.</summary>
    private sealed record Contender(int Version, IReadOnlyDictionary<string, double> Metrics, DatasetManifest Validation, GateRules Gates, TaskKind Task);
}

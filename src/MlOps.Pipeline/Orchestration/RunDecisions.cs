using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Orchestration;

/// <summary>Brings decisions to the runs that wait for them.</summary>
public sealed class RunDecisions(RunStore runs, ModelRegistry registry, ModelTraffic traffic, IPipelineEngine engine, TimeProvider time)
{
    /// <summary>
    /// A person lets the version of a waiting run pass, or not: into production after an approval, or ahead of its canary's time. What is decided of a canary
    /// stands on the run before the run is woken, so that it counts although the step was over at this very moment.
    /// </summary>
    /// <param name="run">The run.</param>
    /// <param name="approved">True lets the version pass.</param>
    /// <param name="by">Who decides; null when nobody says.</param>
    /// <param name="reason">Why.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task DecideAsync(Run run, bool approved, string? by, string? reason, CancellationToken cancel)
    {
        var decision = new ApprovalDecision(approved, by, reason, time.GetUtcNow());
        if (await CanaryEventOfAsync(run.RunId, cancel) is not { } canary)
        {
            await engine.SignalAsync(run.RunId, TrainingPipeline.ApprovalEvent, decision.ToPayload(), cancel);
            return;
        }
        await runs.UpdateAsync(run.RunId, now => now.HasEnded ? now : now with { CanaryDecision = now.CanaryDecision ?? decision }, cancel);
        await engine.SignalAsync(run.RunId, canary, decision.ToPayload(), cancel);
    }

    /// <summary>
    /// A rule takes the version of a run's canary out; when the step is over at this very moment, nothing happens, and the rule decides again.
    /// </summary>
    public async Task RollBackAsync(Run run, string reason, CancellationToken cancel)
    {
        if (await CanaryEventOfAsync(run.RunId, cancel) is { } canary)
        {
            await engine.SignalAsync(run.RunId, canary, new ApprovalDecision(Approved: false, "rule", reason, time.GetUtcNow()).ToPayload(), cancel);
        }
    }

    /// <summary>Stops a run, and lets production answer everything again where its canary had a share.</summary>
    public async Task CancelAsync(Run run, string reason, CancellationToken cancel)
    {
        await engine.CancelAsync(run.RunId, reason, cancel);
        if (await registry.FindAsync(run.Model, cancel) is { Traffic.RunId: { } splitBy } && splitBy == run.RunId)
        {
            await traffic.EndOfRunAsync(run.Model, run.RunId, cancel);
        }
    }

    /// <summary>What the step of the run's canary waits for; null: it has none.</summary>
    private async Task<string?> CanaryEventOfAsync(string runId, CancellationToken cancel)
    {
        var stages = (await runs.FindDetailsAsync(runId, cancel))?.Stages ?? [];
        var step = stages.Where(stage => stage.Stage == PipelineStages.CanaryShift.Name).MaxBy(stage => stage.Started);
        return step is null ? null : TrainingPipeline.CanaryEventOf(step.Key);
    }
}

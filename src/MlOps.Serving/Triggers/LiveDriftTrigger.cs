using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports.Monitoring;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Signals;

namespace MlOps.Serving.Triggers;

/// <summary>
/// Checks the live rows of every production version when <c>monitor.every</c> has passed since they were last looked at, whoever looked. Where
/// they have drifted, or performance is a warning, and the definition says so (<c>runOn.drift</c>, <c>runOn.decay</c>), a run starts on what the model's runs
/// read.
/// </summary>
public sealed partial class LiveDriftTrigger(
    LiveDriftMarks marks, LiveDriftChecker checker, LiveDriftStore checks, ModelRegistry registry, DefinitionCatalog catalog, SelfStartedRuns runs,
    TimeProvider time, ILogger<LiveDriftTrigger> logger)
    : ITrigger
{
    private static readonly TimeSpan IdlePause = TimeSpan.FromMinutes(2);

    private readonly ConcurrentDictionary<string, long> idleSince = new(StringComparer.Ordinal);

    public TimeSpan Interval { get; } = TimeSpan.FromSeconds(30);

    public async Task LookAsync(CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var looked = await marks.ReadAllAsync(cancel);
        foreach (var (model, (definition, _)) in await catalog.ReadAsync(cancel))
        {
            if (definition is { Monitor: { Log: true, Drift: true } monitor }
                && looked.GetValueOrDefault(model) is var mark && LiveDriftMarks.IsDue(mark, LiveDriftMarks.PaceOf(monitor, mark, now), now)
                && !IsKnownIdle(model))
            {
                await TryLookAsync(model, definition, cancel);
            }
        }
    }

    /// <summary>A model that did not serve a moment ago is not asked for again at every look.</summary>
    private bool IsKnownIdle(string model) => idleSince.TryGetValue(model, out var since) && time.GetElapsedTime(since) < IdlePause;

    /// <summary>One model's trouble is not the others'. What a fault leaves claimed is taken over when the claim has run out.</summary>
    private async Task TryLookAsync(string model, PipelineDefinition definition, CancellationToken cancel)
    {
        try
        {
            if ((await registry.FindAsync(model, cancel))?.Production is { } production)
            {
                idleSince.TryRemove(model, out _);
                await LookAsync(model, production, definition, cancel);
            }
            else
            {
                idleSince[model] = time.GetTimestamp();
            }
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            LogFailed(model, fault);
        }
    }

    private async Task LookAsync(string model, int production, PipelineDefinition definition, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var pace = LiveDriftMarks.PaceOf(definition.Monitor, await marks.FindAsync(model, cancel), now);
        if (await marks.TryClaimAsync(model, pace, now, cancel) is not { } claim)
        {
            return;
        }
        var done = claim with { LookedAt = claim.Until };
        try
        {
            if (await checker.CheckAsync(await registry.GetAsync(model, production, cancel), definition, claim, cancel) is { } check)
            {
                LogChecked(model, production, check.Rows, check.Drifted);
                if (CauseOf(check, definition.RunOn) is { } cause)
                {
                    await StartRunAsync(check, definition, cause, cancel);
                }
                done = done with { CheckedUntil = check.Until, Newest = LiveDriftStore.NameOf(check) };
            }
        }
        catch (InputException wrong)
        {
            LogNotChecked(model, wrong.Message);
        }
        await marks.ReleaseAsync(done, cancel);
    }

    /// <summary>What a run starts for, and why; null: nothing that the definition lets start one.</summary>
    private static (string Trigger, string Reason)? CauseOf(LiveDriftCheck check, TriggerRules rules)
    {
        var decayed = check.Signals.Where(signal => signal is
        {
            Signal: SignalNames.Performance or SignalNames.EstimatedPerformance, Verdict: SignalVerdict.Warning
        }).Select(signal => $"{SignalNames.Said(signal.Signal)}: {signal.Text}").ToList();
        return (rules.Drift && check.Drifted, rules.Decay && decayed.Count > 0) switch
        {
            (true, _) => (
                RunTriggers.Drift,
                check.Signals.FirstOrDefault(signal => signal.Signal == SignalNames.FeatureDrift)?.Text ?? string.Join(' ', check.Reasons)),
            (_, true) => (RunTriggers.Decay, string.Join(' ', decayed)),
            _ => null,
        };
    }

    /// <summary>
    /// The same rows would give the same version again: while live rows stay drifted, or performance low, one run for each state of what it reads.
    /// </summary>
    private async Task StartRunAsync(LiveDriftCheck check, PipelineDefinition definition, (string Trigger, string Reason) cause, CancellationToken cancel)
    {
        try
        {
            var source = await runs.FindDefaultSourceAsync(check.Model, cancel);
            var runId = RunId.Of(check.Model, source.At, $"drift|{check.Version}|{source.State}");
            // By its id where it is a dataset version: a name may lead to another by now.
            var request = new RunRequest(check.Model, source.Source, cause.Trigger)
            {
                RunId = runId,
                SourceETag = source.ETag,
                Reason = cause.Reason,
                Data = source.Data is null ? null : source.State,
            };
            await runs.StartAsync(request, definition.RunOn, cancel);
            LogStarted(cause.Trigger, check.Model, runId);
            await checks.UpdateAsync(check with { RunId = runId }, cancel);
        }
        catch (InputException wrong)
        {
            LogNotStarted(cause.Trigger, check.Model, wrong.Message);
            await checks.UpdateAsync(check with { RunProblem = wrong.Message }, cancel);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Model {Model}, version {Version}: {Rows} live rows checked, drifted: {Drifted}")]
    private partial void LogChecked(string model, int version, long rows, bool drifted);

    [LoggerMessage(Level = LogLevel.Information, Message = "Live {Cause} of model {Model} is met by run {RunId}")]
    private partial void LogStarted(string cause, string model, string runId);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Live {Cause} of model {Model} started no run: {Reason}")]
    private partial void LogNotStarted(string cause, string model, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Live rows of model {Model} were not checked: {Reason}")]
    private partial void LogNotChecked(string model, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Live rows of model {Model} could not be checked now; that is made up for in a few minutes")]
    private partial void LogFailed(string model, Exception fault);
}

using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Functions.Durable;

/// <summary>
/// Brings rows and instances together again: a run whose starter died between the two is started, and one whose instance ended without
/// saying so (it was terminated or purged by hand, or met a defect) is closed, so that its model's later runs do not wait for it.
/// </summary>
public sealed partial class RunRecovery(
    DurableTaskClient client, IPipelineEngine engine, RunStore runs, DefinitionStore definitions, TimeProvider time, ILogger<RunRecovery> logger)
{
    /// <summary>A run younger than this may still be on its way; one of the future was made before the clock was set back.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromMinutes(1);

    public async Task LookAsync(CancellationToken cancel)
    {
        foreach (var run in await runs.ListUnfinishedAsync(cancel))
        {
            if ((time.GetUtcNow() - run.Created).Duration() > Settling)
            {
                await TryLookAsync(run, cancel);
            }
        }
    }

    /// <summary>One run's trouble is not the others'.</summary>
    private async Task TryLookAsync(Run run, CancellationToken cancel)
    {
        try
        {
            if (await runs.IsUnfinishedAsync(run, cancel))
            {
                await LookAsync(run, cancel);
            }
        }
        catch (InputException gone)
        {
            await CloseAsync(run, gone.Message, cancel);
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            LogTrouble(run.RunId, fault);
        }
    }

    private async Task LookAsync(Run run, CancellationToken cancel)
    {
        var instance = await client.GetInstanceAsync(run.RunId, getInputsAndOutputs: true, cancel);
        if (instance is null)
        {
            LogStarted(run.RunId);
            await engine.StartAsync(RunStarter.Plan(run, await definitions.GetSnapshotAsync(run.DefinitionId, cancel)), cancel);
        }
        else if (instance.IsCompleted)
        {
            var reason =
                $"The run's orchestration ended as {instance.RuntimeStatus}{(instance.FailureDetails is { } failure ? $": {failure.ErrorMessage}" : "")}. "
                    + $"POST /runs/{run.RunId}/retry starts it again.";
            await CloseAsync(run, StageRunner.Shorten(reason), cancel);
        }
    }

    private async Task CloseAsync(Run run, string reason, CancellationToken cancel)
    {
        var closed = await runs.MarkEndedAsync(run.RunId, RunState.Failed, reason, cancel);
        if (closed.State == RunState.Failed)
        {
            LogFailed(run.RunId, run.Model, closed.Error);
            await runs.CloseStagesAsync(run.RunId, reason, cancel);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {RunId} had no orchestration; it is started now")]
    private partial void LogStarted(string runId);

    /// <summary>The line that a run's last stage would have written: an operator's alert looks for it.</summary>
    [LoggerMessage(Level = LogLevel.Error, Message = "Run {RunId} of model {Model} failed: {Problem}")]
    private partial void LogFailed(string runId, string model, string? problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {RunId} could not be looked after now; it is tried again in a moment")]
    private partial void LogTrouble(string runId, Exception fault);
}

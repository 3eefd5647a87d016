using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;

namespace MlOps.Functions.Durable;

/// <summary>Durable Functions as the engine: a run is the orchestration instance of its id.</summary>
public sealed class DurableEngine(DurableTaskClient client, RunStore runs) : IPipelineEngine
{
    /// <summary>Scheduling an instance that exists would run it again from its start, even a completed one.</summary>
    public async Task StartAsync(RunInput input, CancellationToken cancel)
    {
        if (await ExistsAsync(input.RunId, cancel))
        {
            return;
        }
        try
        {
            await client.ScheduleNewOrchestrationInstanceAsync(nameof(Orchestrator.TrainModel), input, new StartOrchestrationOptions(input.RunId), cancel);
        }
        catch (Exception) when (!cancel.IsCancellationRequested)
        {
            // Somebody else may have been faster, and the host says so in words only.
            if (!await ExistsAsync(input.RunId, cancel))
            {
                throw;
            }
        }
    }

    public Task SignalAsync(string runId, string eventName, string payload, CancellationToken cancel) =>
        client.RaiseEventAsync(runId, eventName, payload, cancel);

    /// <summary>The run's row says so first: activities that still run look at it and stop.</summary>
    public async Task CancelAsync(string runId, string reason, CancellationToken cancel)
    {
        var run = await runs.MarkEndedAsync(runId, RunState.Cancelled, reason, cancel);
        if (run.State != RunState.Cancelled)
        {
            return;
        }
        if (await client.GetInstanceAsync(runId, cancel) is { IsCompleted: false })
        {
            await client.TerminateInstanceAsync(runId, reason, cancel);
        }
        await runs.CloseStagesAsync(runId, $"cancelled: {reason}", cancel);
    }

    private async Task<bool> ExistsAsync(string runId, CancellationToken cancel) => await client.GetInstanceAsync(runId, cancel) is not null;
}

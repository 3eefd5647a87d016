using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;

namespace MlOps.Local.Engine;

/// <summary>The engine of another process on the same storage: it finds there, within its poll interval, what this one writes.</summary>
public sealed class RemoteEngine(RunStore runs, RunEvents events) : IPipelineEngine
{
    /// <summary>The run's row is the order.</summary>
    public Task StartAsync(RunInput input, CancellationToken cancel) => Task.CompletedTask;

    public Task SignalAsync(string runId, string eventName, string payload, CancellationToken cancel) => events.RecordAsync(runId, eventName, payload, cancel);

    public Task CancelAsync(string runId, string reason, CancellationToken cancel) => runs.MarkEndedAsync(runId, RunState.Cancelled, reason, cancel);
}

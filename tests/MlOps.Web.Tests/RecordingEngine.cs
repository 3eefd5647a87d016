using System.Collections.Concurrent;
using MlOps.Pipeline.Contracts;

namespace MlOps.Web.Tests;

/// <summary>An engine that runs nothing and remembers what it was told.</summary>
internal sealed class RecordingEngine : IPipelineEngine
{
    public ConcurrentQueue<RunInput> Started { get; } = new();

    public ConcurrentQueue<(string RunId, string Event, string Payload)> Signals { get; } = new();

    public ConcurrentQueue<(string RunId, string Reason)> Cancelled { get; } = new();

    public Task StartAsync(RunInput input, CancellationToken cancel) => Record(Started, input);

    public Task SignalAsync(string runId, string eventName, string payload, CancellationToken cancel) => Record(Signals, (runId, eventName, payload));

    public Task CancelAsync(string runId, string reason, CancellationToken cancel) => Record(Cancelled, (runId, reason));

    private static Task Record<T>(ConcurrentQueue<T> queue, T item)
    {
        queue.Enqueue(item);
        return Task.CompletedTask;
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;
using MlOps.Pipeline.Contracts;

namespace MlOps.Testing.Scenarios;

/// <summary>Listens to traces, as an exporter does, while it is there.</summary>
public sealed class RunSpans : IDisposable
{
    private readonly ConcurrentQueue<Activity> ended = new();
    private readonly ActivityListener listener;

    public RunSpans()
    {
        listener = new ActivityListener
        {
            ShouldListenTo = source => source == Telemetry.Source,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
    }

    /// <summary>Spans that have ended.</summary>
    public IReadOnlyCollection<Activity> Ended => ended;

    /// <summary>A run's own spans, when at least so many have ended: a stage's row is written a moment before its span ends.</summary>
    public Task<IReadOnlyList<Activity>> OfAsync(string runId, int count) => OfAsync(runId, spans => spans.Count >= count);

    /// <summary>A run's own spans, when those of these names have ended.</summary>
    public Task<IReadOnlyList<Activity>> OfAsync(string runId, params string[] names) =>
        OfAsync(runId, spans => names.All(name => spans.Any(span => span.OperationName == name)));

    private async Task<IReadOnlyList<Activity>> OfAsync(string runId, Func<IReadOnlyList<Activity>, bool> isEnough)
    {
        IReadOnlyList<Activity> spans = [];
        await Eventually.IsTrueAsync(
            () => Task.FromResult(isEnough(spans = [.. ended.Where(span => Equals(span.GetTagItem(Telemetry.RunId), runId))])),
            () => $"{spans.Count} spans: {string.Join(", ", spans.Select(span => span.OperationName))}");
        return spans;
    }

    public void Dispose() => listener.Dispose();
}

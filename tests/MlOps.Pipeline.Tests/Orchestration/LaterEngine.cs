using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Orchestration;

/// <summary>An engine whose runs wait until the test lets them work.</summary>
internal sealed class LaterEngine(IServiceProvider services) : IPipelineEngine
{
    public List<RunInput> Started { get; } = [];

    public Task StartAsync(RunInput input, CancellationToken cancel)
    {
        Started.Add(input);
        return Task.CompletedTask;
    }

    public Task WorkAsync(string runId) => TrainingPipeline.RunAsync(
        new InlineOrchestration(Started.First(input => input.RunId == runId), services.GetRequiredService<StageRunner>()));

    public Task SignalAsync(string runId, string eventName, string payload, CancellationToken cancel) => throw new NotSupportedException("Nothing waits.");

    public Task CancelAsync(string runId, string reason, CancellationToken cancel) => throw new NotSupportedException("Nothing runs.");
}

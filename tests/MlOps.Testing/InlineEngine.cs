using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;

namespace MlOps.Testing;

/// <summary>An engine for tests of the pipeline itself: <see cref="StartAsync"/> returns when the run has ended.</summary>
public sealed class InlineEngine(IServiceProvider services) : IPipelineEngine
{
    /// <summary>What a person answers when a run asks for approval; null: nobody answers in time.</summary>
    public string? Approval { get; set; }

    /// <summary>Whether it does by parts what can be, as an engine of several machines would.</summary>
    public bool ScalesOut { get; set; }

    public Task StartAsync(RunInput input, CancellationToken cancel) =>
        TrainingPipeline.RunAsync(new InlineOrchestration(input, services.GetRequiredService<StageRunner>(), Approval, ScalesOut));

    public Task SignalAsync(string runId, string eventName, string payload, CancellationToken cancel) =>
        throw new NotSupportedException("A run of this engine has ended when it can be signalled.");

    public Task CancelAsync(string runId, string reason, CancellationToken cancel) =>
        throw new NotSupportedException("A run of this engine has ended when it can be cancelled.");
}

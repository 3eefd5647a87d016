using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages;
using Polly;
using Polly.Retry;

namespace MlOps.Local.Engine;

/// <summary>Runs stages, and tries one that met a passing fault again.</summary>
public sealed partial class RetriedStages(StageRunner stages, EngineOptions options, TimeProvider time, ILogger<RetriedStages> logger)
{
    internal async Task<TOutput> RunAsync<TInput, TOutput>(Stage<TInput, TOutput> stage, StageCall<TInput> call, CancellationToken cancel)
        where TOutput : IStageOutput =>
        await Retrying(call.RunId, stage.Name, cancel).ExecuteAsync(async token => await stages.RunAsync(stage, call, token), cancel);

    private ResiliencePipeline Retrying(string runId, string stage, CancellationToken cancel)
    {
        var builder = new ResiliencePipelineBuilder { TimeProvider = time };
        if (options.Retry.Attempts > 1)
        {
            builder.AddRetry(new RetryStrategyOptions
            {
                MaxRetryAttempts = options.Retry.Attempts - 1,
                Delay = options.Retry.FirstDelay,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                ShouldHandle = args => ValueTask.FromResult(
                    !cancel.IsCancellationRequested && args.Outcome.Exception is { } fault && TransientFaults.IsTransient(fault)),
                OnRetry = args =>
                {
                    LogRetry(runId, stage, args.RetryDelay, args.Outcome.Exception);
                    return ValueTask.CompletedTask;
                },
            });
        }
        return builder.Build();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {RunId}: stage {Stage} met a passing fault and is tried again in {Delay}")]
    private partial void LogRetry(string runId, string stage, TimeSpan delay, Exception? fault);
}

using Microsoft.DurableTask;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages;

namespace MlOps.Functions.Durable;

/// <summary>A run as a Durable Task orchestration: stages are activities of their names, times and waits come from its history.</summary>
public sealed partial class DurableOrchestration(TaskOrchestrationContext context, RunInput input) : IOrchestration
{
    /// <summary>Outlasts the restart of a worker process.</summary>
    private static readonly TimeSpan LongestRetryDelay = TimeSpan.FromMinutes(1);

    private readonly ILogger logger = context.CreateReplaySafeLogger<DurableOrchestration>();
    private readonly RunProgress progress = new();
    private readonly TrainingTurns trainings = new(context, input);

    /// <summary>How activities that are no stages meet faults.</summary>
    public static TaskOptions Patient { get; } = Retrying(new(10, TimeSpan.FromSeconds(1)));

    public RunInput Run => input;

    public bool ScalesOut => true;

    private string RunId => input.RunId;

    public async Task<TOutput> RunAsync<TInput, TOutput>(Stage<TInput, TOutput> stage, TInput given, string key = "")
        where TOutput : IStageOutput
    {
        var isTraining = stage.Type == PipelineStages.Train.Type;
        try
        {
            if (isTraining)
            {
                await trainings.WaitAsync(key);
            }
            Show(stage.Name, key, RunProgress.Running);
            var outcome = await CallAsync(stage.Type.Name, new StageCall<TInput>(RunId, input.DefinitionId, key, given));
            var output = outcome.Read<TOutput>();
            Show(stage.Name, key, RunProgress.Succeeded);
            return output;
        }
        catch (StageFailedException failure)
        {
            LogFailed(RunId, stage.Name, StageCallName.Behind(key), failure.Message);
            Show(stage.Name, key, RunProgress.Failed);
            throw;
        }
        finally
        {
            if (isTraining)
            {
                trainings.End();
            }
        }
    }

    public async Task<string?> WaitForEventAsync(string name, TimeSpan timeout)
    {
        LogWaits(RunId, name, timeout);
        string? payload;
        try
        {
            payload = await context.WaitForExternalEvent<string>(name, timeout);
        }
        catch (TaskCanceledException)
        {
            payload = null;
        }
        LogWaited(RunId, name, payload is not null);
        await context.CallActivityAsync<bool>(nameof(AdmissionActivities.GoOn), RunId, Patient);
        return payload;
    }

    private async Task<StageOutcome> CallAsync<TInput>(string activity, StageCall<TInput> call)
    {
        try
        {
            return await context.CallActivityAsync<StageOutcome>(activity, call, Retrying(StageRetry.Default));
        }
        catch (TaskFailedException fault)
        {
            if (activity == PipelineStages.Train.Type.Name)
            {
                await trainings.GiveBackAsync(call.Key);
            }
            return StageOutcome.Failed(Innermost(fault.FailureDetails).ErrorMessage);
        }
    }

    private static TaskOptions Retrying(StageRetry retry) => TaskOptions.FromRetryPolicy(
        new RetryPolicy(retry.Attempts, retry.FirstDelay, backoffCoefficient: 2, maxRetryInterval: LongestRetryDelay));

    /// <summary>The host wraps what a stage threw into exceptions of its own.</summary>
    private static TaskFailureDetails Innermost(TaskFailureDetails failure) => failure.InnerFailure is { } inner ? Innermost(inner) : failure;

    private void Show(string stage, string key, string state)
    {
        progress.Set(stage, key, state);
        context.SetCustomStatus(progress.Stages);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {RunId}: stage {Stage}{Key} failed for good: {Problem}")]
    private partial void LogFailed(string runId, string stage, string key, string problem);

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {RunId} waits for event {Event}, at most {Timeout}")]
    private partial void LogWaits(string runId, string @event, TimeSpan timeout);

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {RunId} waited for event {Event}; it came: {Came}")]
    private partial void LogWaited(string runId, string @event, bool came);
}

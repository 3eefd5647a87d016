using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages;
using MlOps.Pipeline.Tracking;

namespace MlOps.Local.Engine;

/// <summary>One run's orchestration in this process. Finished stages and past events are answered from the record.</summary>
internal sealed class EmbeddedOrchestration(
    RunInput input, ActiveRun active, RetriedStages stages, RunStore runs, RunEvents events, EngineOptions options, TimeProvider time,
    CancellationToken cancel)
    : IOrchestration
{
    public RunInput Run => input;

    /// <summary>One machine: a stage uses it better than parts of a stage that share it.</summary>
    public bool ScalesOut => false;

    private string RunId => input.RunId;

    public async Task<TOutput> RunAsync<TInput, TOutput>(Stage<TInput, TOutput> stage, TInput given, string key = "")
        where TOutput : IStageOutput
    {
        var call = new StageCall<TInput>(RunId, input.DefinitionId, key, given);
        try
        {
            return await stages.RunAsync(stage, call, cancel);
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested)
        {
            throw new StageFailedException(FaultText.Of(fault), fault);
        }
    }

    public async Task<string?> WaitForEventAsync(string name, TimeSpan timeout)
    {
        var deadline = await events.WaitStartAsync(RunId, name, cancel) + timeout;
        if (await events.FindAsync(RunId, name, cancel) is { } earlier)
        {
            return earlier.Payload;
        }
        await SetStateAsync(RunState.Waiting);
        active.LeaveSlot();
        var outcome = await WaitUntilAsync(name, deadline);
        await active.TakeSlotAsync(cancel);
        await SetStateAsync(RunState.Running);
        return outcome.Payload;
    }

    private async Task<RunEvent> WaitUntilAsync(string name, DateTimeOffset deadline)
    {
        while (true)
        {
            if (await events.FindAsync(RunId, name, cancel) is { } outcome)
            {
                return outcome;
            }
            var left = deadline - time.GetUtcNow();
            if (left <= TimeSpan.Zero)
            {
                return await events.RecordAsync(RunId, name, payload: null, cancel);
            }
            await active.Signalled.WaitAsync(left < options.PollInterval ? left : options.PollInterval, time, cancel);
        }
    }

    private Task SetStateAsync(RunState state) => runs.UpdateAsync(RunId, run => run.HasEnded ? run : run with { State = state }, cancel);
}

using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages;
using MlOps.Pipeline.Tracking;

namespace MlOps.Functions.Durable;

/// <summary>Runs stages as activities: at least once, and not on when their run is cancelled, which ends an orchestration but none of its activities.</summary>
public sealed class StageCalls(StageRunner stages, RunStore runs, TimeProvider time)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);

    /// <summary>Throws only what may pass by itself.</summary>
    public async Task<StageOutcome> RunAsync<TInput, TOutput>(Stage<TInput, TOutput> stage, StageCall<TInput> call, CancellationToken cancel)
        where TOutput : IStageOutput
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var watch = StopWhenCancelledAsync(call.RunId, stop);
        try
        {
            return StageOutcome.Of(await stages.RunAsync(stage, call, stop.Token));
        }
        catch (Exception) when (stop.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            return StageOutcome.Failed("The run was cancelled.");
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested && !TransientFaults.IsTransient(fault))
        {
            return StageOutcome.Failed(fault);
        }
        finally
        {
            await stop.CancelAsync();
            await watch;
        }
    }

    private async Task StopWhenCancelledAsync(string runId, CancellationTokenSource stop)
    {
        try
        {
            while (true)
            {
                if (await IsCancelledAsync(runId, stop.Token))
                {
                    await stop.CancelAsync();
                    return;
                }
                await Task.Delay(LookEvery, time, stop.Token);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    /// <summary>A storage that does not answer is the stage's trouble, not the watch's.</summary>
    private async Task<bool> IsCancelledAsync(string runId, CancellationToken stop)
    {
        try
        {
            return await runs.FindAsync(runId, stop) is { State: RunState.Cancelled };
        }
        catch (Exception fault) when (TransientFaults.IsTransient(fault))
        {
            return false;
        }
    }
}

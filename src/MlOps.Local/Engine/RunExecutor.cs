using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Local.Engine;

/// <summary>Works on one run from wherever it stands to its end, while this process owns it.</summary>
public sealed partial class RunExecutor(
    Orchestrate orchestrate, RetriedStages stages, RunStore runs, DefinitionStore definitions, RunEvents events, EngineOptions options, TimeProvider time,
    ILogger<RunExecutor> logger)
{
    /// <summary>
    /// Returns when the run has ended or is cancelled, when the host stops, or when the lease is lost; what has not ended then is taken up
    /// again later, by this or another process.
    /// </summary>
    internal async Task ExecuteAsync(ActiveRun active, RunLease lease)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(active.Token, lease.Lost);
        try
        {
            // Only what is read under the lease is sure: the last owner may have ended the run a moment ago.
            if (await runs.IsUnfinishedAsync(active.Run, stop.Token))
            {
                await OrchestrateAsync(active, stop.Token);
            }
            lease.Remove = true;
        }
        catch (Exception) when (stop.IsCancellationRequested)
        {
            lease.Remove = await CloseCancelledAsync(active.RunId);
            LogStopped(active.RunId, lease.Lost.IsCancellationRequested);
        }
    }

    private async Task OrchestrateAsync(ActiveRun active, CancellationToken cancel)
    {
        var run = await runs.UpdateAsync(
            active.RunId, run => run.HasEnded ? run : run with { State = RunState.Running, Started = run.Started ?? time.GetUtcNow() }, cancel);
        try
        {
            var definition = await definitions.GetSnapshotAsync(run.DefinitionId, cancel);
            var orchestration = new EmbeddedOrchestration(RunStarter.Plan(run, definition), active, stages, runs, events, options, time, cancel);
            await orchestrate(orchestration);
        }
        catch (Exception fault) when (!cancel.IsCancellationRequested && !TransientFaults.IsTransient(fault))
        {
            LogFailed(run.RunId, fault);
            var problem = fault is StageFailedException ? fault.Message : FaultText.Of(fault);
            await runs.MarkEndedAsync(run.RunId, RunState.Failed, StageRunner.Shorten(problem), cancel);
        }
    }

    /// <summary>After a cancellation: no stage is left that looks as if it still ran. True when the run has ended.</summary>
    private async Task<bool> CloseCancelledAsync(string runId)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            if (await runs.FindAsync(runId, deadline.Token) is not { State: RunState.Cancelled } run)
            {
                return false;
            }
            await runs.CloseStagesAsync(runId, $"cancelled: {run.Error}", deadline.Token);
            return true;
        }
        catch (Exception fault) when (fault is Azure.RequestFailedException or OperationCanceledException or AggregateException)
        {
            LogNotClosed(runId, fault);
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "Run {RunId} failed outside of its stages")]
    private partial void LogFailed(string runId, Exception fault);

    [LoggerMessage(Level = LogLevel.Information, Message = "Run {RunId}: this host stopped working on it (lease lost: {LeaseLost})")]
    private partial void LogStopped(string runId, bool leaseLost);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {RunId} was cancelled; its stages' rows were not closed")]
    private partial void LogNotClosed(string runId, Exception fault);
}

using System.Collections.Concurrent;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Local.Engine;

/// <summary>
/// The single-machine engine. The rows of unfinished runs are its queue, so starting a run is writing its row, and a host that starts after
/// a crash finds there what to go on with. Runs of one model go one after another, oldest first, unless their definition says otherwise
/// (<see cref="RunOrder"/>); later runs of a model wait for one that waits for an approval, runs of other models do not.
/// </summary>
public sealed partial class EmbeddedEngine(
    RunStore runs, RunEvents events, RunLeases leases, RunExecutor executor, EngineOptions options, TimeProvider time, ILogger<EmbeddedEngine> logger)
    : BackgroundService, IPipelineEngine
{
    private readonly ConcurrentDictionary<string, ActiveRun> active = new();
    private readonly SemaphoreSlim slots = new(options.MostRuns);
    private readonly SemaphoreSlim ingestSlots = new(options.MostIngests);
    private readonly Wakeup wakeup = new();

    public Task StartAsync(RunInput input, CancellationToken cancel)
    {
        wakeup.Call();
        return Task.CompletedTask;
    }

    public async Task SignalAsync(string runId, string eventName, string payload, CancellationToken cancel)
    {
        await events.RecordAsync(runId, eventName, payload, cancel);
        if (active.TryGetValue(runId, out var run))
        {
            run.Signalled.Call();
        }
    }

    public async Task CancelAsync(string runId, string reason, CancellationToken cancel)
    {
        await runs.MarkEndedAsync(runId, RunState.Cancelled, reason, cancel);
        wakeup.Call();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await LookAsync(stoppingToken);
                await wakeup.WaitAsync(options.PollInterval, time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await Task.WhenAll(active.Values.Select(run => run.Work));
        }
    }

    private async Task LookAsync(CancellationToken stopping)
    {
        try
        {
            var unfinished = await runs.ListUnfinishedAsync(stopping);
            await StopCancelledAsync(stopping);
            await TakeUpAsync(unfinished, stopping);
        }
        catch (Exception fault) when (!stopping.IsCancellationRequested)
        {
            LogHiccup(fault);
        }
    }

    private async Task StopCancelledAsync(CancellationToken stopping)
    {
        foreach (var run in active.Values)
        {
            // The run's own row: whoever cancelled it may have died before the list knew. A run that ended by itself is not disturbed: it may still be
            // writing down how.
            if (await runs.FindAsync(run.RunId, stopping) is { State: RunState.Cancelled })
            {
                await run.CancelAsync();
            }
        }
    }

    private async Task TakeUpAsync(IReadOnlyList<Run> unfinished, CancellationToken stopping)
    {
        foreach (var run in unfinished.Where(run => !active.ContainsKey(run.RunId)))
        {
            var turn = RunOrder.Of(run, unfinished);
            if (turn == Turn.Skip)
            {
                await runs.UpdateAsync(run.RunId, run => RunOrder.Skipped(run, time.GetUtcNow()), stopping);
                wakeup.Call();
            }
            if (turn != Turn.Go)
            {
                continue;
            }
            var places = run.Goal == RunGoal.Dataset && ingestSlots.CurrentCount > 0 ? ingestSlots : slots;
            if (places.CurrentCount == 0)
            {
                continue;
            }
            if (await leases.TryAcquireAsync(run.RunId, stopping) is { } lease)
            {
                await places.WaitAsync(stopping);
                var taken = new ActiveRun(run, places, stopping);
                active[run.RunId] = taken;
                taken.Work = WorkAsync(taken, lease);
            }
        }
    }

    /// <summary>Observes every fault: one run's trouble is never the loop's.</summary>
    private async Task WorkAsync(ActiveRun run, RunLease lease)
    {
        await Task.Yield();
        var isDone = false;
        try
        {
            await using (lease)
            {
                await executor.ExecuteAsync(run, lease);
            }
            isDone = true;
        }
        catch (Exception fault)
        {
            // Not called for at once: what the run met may take a while to pass.
            LogTrouble(run.RunId, fault);
        }
        finally
        {
            active.TryRemove(run.RunId, out _);
            run.Dispose();
            if (isDone)
            {
                wakeup.Call();
            }
        }
    }

    public override void Dispose()
    {
        slots.Dispose();
        ingestSlots.Dispose();
        base.Dispose();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The engine could not read its queue; it looks again in a moment")]
    private partial void LogHiccup(Exception fault);

    [LoggerMessage(Level = LogLevel.Error, Message = "Run {RunId}: the engine met a fault outside of the run's stages; it takes the run up again")]
    private partial void LogTrouble(string runId, Exception fault);
}

using Azure.Data.Tables;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Orchestration;

/// <summary>
/// Lets one run of a model go at a time where runs are started side by side, on many machines. The holder of a model's turn stands in
/// storage and is changed by conditional writes only. Nothing has to be given back: the turn is free as soon as its holder has ended,
/// however it ended.
/// </summary>
public sealed class RunAdmission(RunStore runs, PipelineStorage storage, TimeProvider time)
{
    private const string Partition = MarkKinds.Turn;

    /// <summary>Takes the turn for a run, marks it running and answers true; false when it must wait. Null: the run has ended, or ends by this.</summary>
    public async Task<bool?> TryTakeAsync(string runId, CancellationToken cancel)
    {
        if (await runs.FindAsync(runId, cancel) is not { HasEnded: false } run)
        {
            return null;
        }
        var turn = await TurnAsync(run, cancel);
        if (turn == Turn.Go && !RunOrder.IsFree(run) && !await TryHoldAsync(run, cancel))
        {
            turn = RunOrder.IfHeldUp(run);
        }
        switch (turn)
        {
            case Turn.Go:
                return await MarkRunningAsync(runId, cancel) ? true : null;
            case Turn.Skip:
                var skipped = await runs.UpdateAsync(runId, run => RunOrder.Skipped(run, time.GetUtcNow()), cancel);
                return skipped.HasEnded ? null : await TryTakeAsync(runId, cancel);
            default:
                return false;
        }
    }

    private async Task<Turn> TurnAsync(Run run, CancellationToken cancel)
    {
        while (true)
        {
            var before = RunOrder.FirstBefore(run, await runs.ListUnfinishedAsync(run.Model, cancel));
            if (before is null)
            {
                return Turn.Go;
            }
            // What holds this run up is worth a look of its own: it may have ended without the list knowing.
            if (await runs.IsUnfinishedAsync(before, cancel))
            {
                return RunOrder.IfHeldUp(run);
            }
        }
    }

    /// <summary>Shows on the run that it works; false when it has ended.</summary>
    public async Task<bool> MarkRunningAsync(string runId, CancellationToken cancel)
    {
        var run = await runs.UpdateAsync(
            runId, run => run.HasEnded ? run : run with { State = RunState.Running, Started = run.Started ?? time.GetUtcNow() }, cancel);
        return !run.HasEnded;
    }

    private async Task<bool> TryHoldAsync(Run run, CancellationToken cancel)
    {
        var found = await storage.Marks.GetEntityIfExistsAsync<TableEntity>(Partition, run.Model, cancellationToken: cancel);
        var holder = found.HasValue ? found.Value : null;
        if (holder?.GetString("RunId") is { } holding && holding != run.RunId && await runs.FindAsync(holding, cancel) is { HasEnded: false })
        {
            return false;
        }
        var taken = new TableEntity(Partition, run.Model) { ["RunId"] = run.RunId };
        return await (holder is null
            ? storage.Marks.AddEntityAsync(taken, cancel)
            : storage.Marks.UpdateEntityAsync(taken, holder.ETag, TableUpdateMode.Replace, cancel)).WinsAsync();
    }
}

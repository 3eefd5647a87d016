using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using MlOps.Functions.Durable;
using MlOps.Pipeline.OpenLineage;
using MlOps.Serving.Triggers;

namespace MlOps.Functions.Triggers;

/// <summary>What happens by itself.</summary>
public sealed class Timer(DurableCall call)
{
    /// <summary>
    /// Every minute: starts the runs that are due by their definitions' schedules, looks after runs that lost their orchestration, checks live
    /// rows, counts rows that have come, decides between versions that share requests, compacts the prediction log, repairs the indexes, tells OpenLineage
    /// events, and deletes what is kept no longer. Side by side: none waits for another, or suffers from its failure.
    /// </summary>
    [Function(nameof(LookAround))]
    public Task LookAround([TimerTrigger("0 * * * * *")] TimerInfo timer, [DurableClient] DurableTaskClient client, CancellationToken cancel) => Task.WhenAll(
        call.Get<ScheduleTrigger>(client).LookAsync(cancel),
        call.Get<RunRecovery>(client).LookAsync(cancel),
        call.Get<LiveDriftTrigger>(client).LookAsync(cancel),
        call.Get<RowsTrigger>(client).LookAsync(cancel),
        call.Get<TrafficTrigger>(client).LookAsync(cancel),
        call.Get<CompactionTrigger>(client).LookAsync(cancel),
        call.Get<IndexTrigger>(client).LookAsync(cancel),
        call.Get<RetentionTrigger>(client).LookAsync(cancel),
        call.Get<LineageSender>(client).SendDueAsync(cancel));
}

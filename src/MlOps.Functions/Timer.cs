using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using MlOps.Functions.Durable;

namespace MlOps.Functions;

/// <summary>What happens by itself.</summary>
public sealed class Timer(Engines engines)
{
    /// <summary>Every minute: starts the runs that are due by their definitions' schedules, and looks after runs that lost their orchestration.</summary>
    [Function(nameof(LookAround))]
    public async Task LookAround([TimerTrigger("0 * * * * *")] TimerInfo timer, [DurableClient] DurableTaskClient client, CancellationToken cancel)
    {
        await engines.Schedules(client).LookAsync(cancel);
        await engines.Recovery(client).LookAsync(cancel);
    }
}

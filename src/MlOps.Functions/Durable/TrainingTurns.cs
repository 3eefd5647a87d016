using Microsoft.DurableTask;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;

namespace MlOps.Functions.Durable;

/// <summary>
/// Has a run's candidates wait until they may train. All that wait ask together, by one activity at a time: a run of fifty leaves no longer history by its
/// waiting than a run of one.
/// </summary>
internal sealed class TrainingTurns(TaskOrchestrationContext context, RunInput input)
{
    /// <summary>Runs that began under an older version asked for nothing, and replay so.</summary>
    private const string AskedSince = "3";

    private static readonly TimeSpan ShortestWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    private readonly OrderedDictionary<string, TaskCompletionSource> waiting = new(
        input.Candidates.Select(candidate => KeyValuePair.Create(candidate, new TaskCompletionSource())));

    private Task? asking;
    private DateTime lastChange;

    private bool Asks => context.CompareVersionTo(AskedSince) >= 0;

    /// <summary>Comes back when the candidate may train.</summary>
    /// <exception cref="StageFailedException">Whether it may cannot be found out.</exception>
    public Task WaitAsync(string candidate)
    {
        if (!Asks)
        {
            return Task.CompletedTask;
        }
        asking ??= AskAsync();
        return waiting[candidate].Task;
    }

    /// <summary>The candidate's training has ended: another may be next.</summary>
    public void End() => lastChange = context.CurrentUtcDateTime;

    /// <summary>Of a training that broke off for good: one that comes to its end gives its permit back itself.</summary>
    public Task GiveBackAsync(string candidate) => Asks
        ? context.CallActivityAsync(nameof(AdmissionActivities.GiveBackPermit), new PermitRequest(input.RunId, [candidate]), DurableOrchestration.Patient)
        : Task.CompletedTask;

    /// <summary>Where asking fails for good, it has failed for all that wait.</summary>
    private async Task AskAsync()
    {
        try
        {
            await AskUntilPermittedAsync();
        }
        catch (TaskFailedException fault)
        {
            foreach (var turn in waiting.Values)
            {
                turn.TrySetException(new StageFailedException(fault.FailureDetails.ErrorMessage));
            }
        }
    }

    /// <summary>The longer nothing has changed, the longer it waits until it asks again.</summary>
    private async Task AskUntilPermittedAsync()
    {
        lastChange = context.CurrentUtcDateTime;
        while (true)
        {
            var request = new PermitRequest(input.RunId, [.. waiting.Where(turn => !turn.Value.Task.IsCompleted).Select(turn => turn.Key)]);
            var permitted = await context.CallActivityAsync<IReadOnlyList<string>>(
                nameof(AdmissionActivities.TakePermits), request, DurableOrchestration.Patient);
            if (permitted.Count > 0)
            {
                lastChange = context.CurrentUtcDateTime;
            }
            foreach (var candidate in permitted)
            {
                waiting[candidate].TrySetResult();
            }
            if (waiting.Values.All(turn => turn.Task.IsCompleted))
            {
                return;
            }
            var wait = (context.CurrentUtcDateTime - lastChange) / 4;
            await context.CreateTimer(
                wait < ShortestWait ? ShortestWait : wait > LongestWait ? LongestWait : wait, CancellationToken.None);
        }
    }
}

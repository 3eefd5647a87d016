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

    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    private readonly OrderedDictionary<string, TaskCompletionSource> waiting = new(
        input.Candidates.Select(candidate => KeyValuePair.Create(candidate, new TaskCompletionSource())));

    private readonly List<string> ended = [];
    private Task? asking;

    /// <summary>Comes back when the candidate may train.</summary>
    public Task WaitAsync(string candidate)
    {
        if (context.CompareVersionTo(AskedSince) < 0)
        {
            return Task.CompletedTask;
        }
        asking ??= AskAsync();
        return waiting[candidate].Task;
    }

    /// <summary>The candidate is trained, or will never be.</summary>
    public void End(string candidate) => ended.Add(candidate);

    /// <summary>Where asking fails for good, it has failed for all that wait.</summary>
    private async Task AskAsync()
    {
        try
        {
            await AskUntilPermittedAsync();
        }
        catch (Exception fault)
        {
            foreach (var turn in waiting.Values)
            {
                turn.TrySetException(fault);
            }
        }
    }

    private async Task AskUntilPermittedAsync()
    {
        for (var look = 0; waiting.Values.Any(turn => !turn.Task.IsCompleted); look++)
        {
            if (look > 0)
            {
                var wait = FirstWait * Math.Pow(2, Math.Min(look - 1, 10));
                await context.CreateTimer(wait < LongestWait ? wait : LongestWait, CancellationToken.None);
            }
            var request = new PermitRequest(input.RunId, [.. waiting.Where(turn => !turn.Value.Task.IsCompleted).Select(turn => turn.Key)], [.. ended]);
            ended.Clear();
            var permitted = await context.CallActivityAsync<IReadOnlyList<string>>(
                nameof(AdmissionActivities.TakePermits), request, DurableOrchestration.Patient);
            foreach (var candidate in permitted)
            {
                waiting[candidate].TrySetResult();
            }
        }
    }
}

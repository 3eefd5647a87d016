using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;

namespace MlOps.Functions.Durable;

/// <summary>The durable run of a pipeline. Its instance id is the run's id.</summary>
public static class Orchestrator
{
    /// <summary>After so many looks for its turn a run starts anew, so that its history stays short however long it waits.</summary>
    internal const int MostLooks = 40;

    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(15);

    /// <summary>Waits for the run's turn among the runs of its model, then runs it; null when it was skipped or cancelled before.</summary>
    [Function(nameof(TrainModel))]
    public static async Task<RunResult?> TrainModel([OrchestrationTrigger] TaskOrchestrationContext context, RunInput input)
    {
        for (var look = 0; look < MostLooks; look++)
        {
            if (await context.CallActivityAsync<bool?>(nameof(AdmissionActivities.TakeTurn), input.RunId, DurableOrchestration.Patient) is not { } isItsTurn)
            {
                return null;
            }
            if (isItsTurn)
            {
                return await TrainingPipeline.RunAsync(new DurableOrchestration(context, input));
            }
            var wait = FirstWait * Math.Pow(2, Math.Min(look, 10));
            await context.CreateTimer(wait < LongestWait ? wait : LongestWait, CancellationToken.None);
        }
        context.ContinueAsNew(input);
        return null;
    }
}

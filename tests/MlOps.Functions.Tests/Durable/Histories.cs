using System.Runtime.CompilerServices;
using DurableTask.Core;
using DurableTask.Core.Command;
using DurableTask.Core.History;
using Microsoft.DurableTask.Converters;
using Microsoft.DurableTask.Worker;
using Microsoft.DurableTask.Worker.Shims;
using MlOps.Functions.Durable;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace MlOps.Functions.Tests.Durable;

/// <summary>Histories of runs, as the backend keeps them.</summary>
internal static class Histories
{
    private static readonly JsonSerializer Events = JsonSerializer.Create(new() { ConstructorHandling = ConstructorHandling.AllowNonPublicDefaultConstructor });

    /// <summary>The folder of recorded histories, in the repository.</summary>
    public static string Folder([CallerFilePath] string source = "") => Path.Combine(Path.GetDirectoryName(Path.GetDirectoryName(source)!)!, "Histories");

    /// <summary>An instance's history as the backend tells it.</summary>
    public static async Task<string> OfAsync(IOrchestrationService backend, string instanceId) =>
        JToken.Parse(await ((IOrchestrationServiceClient)backend).GetOrchestrationHistoryAsync(instanceId, null)).ToString(Formatting.Indented);

    public static IReadOnlyList<HistoryEvent> Read(string json) => [.. JArray.Parse(json).Select(Read)];

    private static HistoryEvent Read(JToken happened)
    {
        var type = typeof(HistoryEvent).Assembly.GetType(
            $"{typeof(HistoryEvent).Namespace}.{(EventType)(int)happened["EventType"]!}Event", throwOnError: true)!;
        return (HistoryEvent)happened.ToObject(type, Events)!;
    }

    /// <summary>Runs today's orchestrator over what an earlier one did. It must ask for the very same, in the same order.</summary>
    public static OrchestrationCompleteOrchestratorAction Replay(IReadOnlyList<HistoryEvent> history)
    {
        var told = history.Where(happened => happened is not ExecutionCompletedEvent).ToList();
        if (told[^1] is OrchestratorCompletedEvent)
        {
            told.RemoveAt(told.Count - 1);
        }
        var lastTurn = told.FindLastIndex(happened => happened is OrchestratorStartedEvent);
        var state = new OrchestrationRuntimeState(told[..lastTurn]);
        told[lastTurn..].ForEach(state.AddEvent);
        var shims = new DurableTaskShimFactory(new DurableTaskWorkerOptions { DataConverter = new JsonDataConverter(Json.Options) });
        var orchestration = shims.CreateOrchestration<RunInput, RunResult?>(
            nameof(Orchestrator.TrainModel), (context, input) => Orchestrator.TrainModel(context, input!));
        var result = new TaskOrchestrationExecutor(state, orchestration, BehaviorOnContinueAsNew.Carryover, ErrorPropagationMode.UseFailureDetails).Execute();
        return result.Actions.OfType<OrchestrationCompleteOrchestratorAction>().Single();
    }
}

using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Triggers;

namespace MlOps.Functions.Durable;

/// <summary>Makes what starts and steers runs, and what acts by itself, around the client that the host binds to each call of a function.</summary>
public sealed class Engines(
    RunStore runs, DefinitionStore definitions, ModelRegistry registry, PipelineStorage storage, ScheduleMarks marks, LiveDriftMarks liveMarks, LiveDriftChecker liveChecker,
    LiveDriftStore liveChecks, TimeProvider time, ILoggerFactory loggers)
{
    public IPipelineEngine Engine(DurableTaskClient client) => new DurableEngine(client, runs);

    public RunStarter Starter(DurableTaskClient client) => new(definitions, runs, storage, Engine(client), time);

    public RawFileIntake Intake(DurableTaskClient client) => new(definitions, Starter(client), loggers.CreateLogger<RawFileIntake>());

    public ScheduleTrigger Schedules(DurableTaskClient client) => new(marks, definitions, Starter(client), time, loggers.CreateLogger<ScheduleTrigger>());

    public LiveDriftTrigger LiveDrift(DurableTaskClient client) =>
        new(liveMarks, liveChecker, liveChecks, registry, definitions, Starter(client), time, loggers.CreateLogger<LiveDriftTrigger>());

    public RunRecovery Recovery(DurableTaskClient client) => new(client, Engine(client), runs, definitions, time, loggers.CreateLogger<RunRecovery>());
}

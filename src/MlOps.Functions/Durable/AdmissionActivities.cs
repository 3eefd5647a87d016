using Microsoft.Azure.Functions.Worker;
using MlOps.Pipeline.Orchestration;

namespace MlOps.Functions.Durable;

/// <summary>When a run may work, and when it may train.</summary>
public sealed class AdmissionActivities(RunAdmission keeper, TrainingPermits permits)
{
    /// <summary>True when it is the run's turn: it is marked as running then. False: it must wait. Null: it has ended.</summary>
    [Function(nameof(TakeTurn))]
    public Task<bool?> TakeTurn([ActivityTrigger] string runId, CancellationToken cancel) => keeper.TryTakeAsync(runId, cancel);

    /// <summary>Shows that a run which waited for a person works again.</summary>
    [Function(nameof(GoOn))]
    public Task<bool> GoOn([ActivityTrigger] string runId, CancellationToken cancel) => keeper.MarkRunningAsync(runId, cancel);

    /// <summary>The candidates, of those that wait, that may train now.</summary>
    [Function(nameof(TakePermits))]
    public Task<IReadOnlyList<string>> TakePermits([ActivityTrigger] PermitRequest request, CancellationToken cancel) => permits.TakeAsync(request, cancel);

    /// <summary>Candidates whose trainings broke off are trained no more.</summary>
    [Function(nameof(GiveBackPermit))]
    public Task GiveBackPermit([ActivityTrigger] PermitRequest request, CancellationToken cancel) =>
        permits.GiveBackAsync(request.RunId, request.Candidates, cancel);
}

using Microsoft.Azure.Functions.Worker;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Alerting;
using MlOps.Pipeline.Stages.Canary;
using MlOps.Pipeline.Stages.Clean;
using MlOps.Pipeline.Stages.Drift;
using MlOps.Pipeline.Stages.Expect;
using MlOps.Pipeline.Stages.Explain;
using MlOps.Pipeline.Stages.Features;
using MlOps.Pipeline.Stages.Finish;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Stages.ModelCard;
using MlOps.Pipeline.Stages.Promote;
using MlOps.Pipeline.Stages.Quarantine;
using MlOps.Pipeline.Stages.Score;
using MlOps.Pipeline.Stages.Split;
using MlOps.Pipeline.Stages.Train;
using MlOps.Pipeline.Stages.Validate;

namespace MlOps.Functions.Durable;

/// <summary>One activity per stage, of the stage's name: <see cref="DurableOrchestration"/> calls it by that.</summary>
public sealed class Stages(StageCalls stages, TrainingPermits permits)
{
    [Function(nameof(IngestStage))]
    public Task<StageOutcome> Ingest([ActivityTrigger] StageCall<IngestInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.Ingest, call, cancel);

    [Function(nameof(QuarantineStage))]
    public Task<StageOutcome> Quarantine([ActivityTrigger] StageCall<QuarantineInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.Quarantine, call, cancel);

    [Function(nameof(ExpectStage))]
    public Task<StageOutcome> Expect([ActivityTrigger] StageCall<ExpectInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.Expect, call, cancel);

    [Function(nameof(CleanPartStage))]
    public Task<StageOutcome> CleanPart([ActivityTrigger] StageCall<CleanPartInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.CleanPart, call, cancel);

    [Function(nameof(CleanStage))]
    public Task<StageOutcome> Clean([ActivityTrigger] StageCall<CleanInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.Clean, call, cancel);

    [Function(nameof(FeaturesStage))]
    public Task<StageOutcome> Features([ActivityTrigger] StageCall<FeaturesInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.Features, call, cancel);

    [Function(nameof(SplitStage))]
    public Task<StageOutcome> Split([ActivityTrigger] StageCall<SplitInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.Split, call, cancel);

    /// <summary>A training that is to be tried again keeps its permit: it throws.</summary>
    [Function(nameof(TrainStage))]
    public async Task<StageOutcome> Train([ActivityTrigger] StageCall<TrainInput> call, CancellationToken cancel)
    {
        var outcome = await stages.RunAsync(PipelineStages.Train, call, cancel);
        await permits.GiveBackAsync(call.RunId, [call.Key], cancel);
        return outcome;
    }

    [Function(nameof(ValidateStage))]
    public Task<StageOutcome> Validate([ActivityTrigger] StageCall<ValidateInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.Validate, call, cancel);

    [Function(nameof(DriftPartStage))]
    public Task<StageOutcome> DriftPart([ActivityTrigger] StageCall<DriftPartInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.DriftPart, call, cancel);

    [Function(nameof(DriftStage))]
    public Task<StageOutcome> Drift([ActivityTrigger] StageCall<DriftInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.Drift, call, cancel);

    [Function(nameof(AwaitApprovalStage))]
    public Task<StageOutcome> AwaitApproval([ActivityTrigger] StageCall<AwaitApprovalInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.AwaitApproval, call, cancel);

    [Function(nameof(PromoteStage))]
    public Task<StageOutcome> Promote([ActivityTrigger] StageCall<PromoteInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.Promote, call, cancel);

    [Function(nameof(ExplainStage))]
    public Task<StageOutcome> Explain([ActivityTrigger] StageCall<ExplainInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.Explain, call, cancel);

    [Function(nameof(CanaryShiftStage))]
    public Task<StageOutcome> CanaryShift([ActivityTrigger] StageCall<CanaryShiftInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.CanaryShift, call, cancel);

    [Function(nameof(CanaryJudgeStage))]
    public Task<StageOutcome> CanaryJudge([ActivityTrigger] StageCall<CanaryJudgeInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.CanaryJudge, call, cancel);

    [Function(nameof(CanaryEndStage))]
    public Task<StageOutcome> CanaryEnd([ActivityTrigger] StageCall<CanaryEndInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.CanaryEnd, call, cancel);

    [Function(nameof(ModelCardStage))]
    public Task<StageOutcome> ModelCard([ActivityTrigger] StageCall<ModelCardInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.ModelCard, call, cancel);

    [Function(nameof(ScorePartStage))]
    public Task<StageOutcome> ScorePart([ActivityTrigger] StageCall<ScorePartInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.ScorePart, call, cancel);

    [Function(nameof(ScoreStage))]
    public Task<StageOutcome> Score([ActivityTrigger] StageCall<ScoreInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.Score, call, cancel);

    [Function(nameof(AlertStage))]
    public Task<StageOutcome> Alert([ActivityTrigger] StageCall<AlertInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.Alert, call, cancel);

    [Function(nameof(FinishStage))]
    public Task<StageOutcome> Finish([ActivityTrigger] StageCall<FinishInput> call, CancellationToken cancel) =>
        stages.RunAsync(PipelineStages.Finish, call, cancel);
}

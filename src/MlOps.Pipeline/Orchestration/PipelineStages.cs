using MlOps.Pipeline.Stages;
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

namespace MlOps.Pipeline.Orchestration;

/// <summary>The one list of stages: <see cref="TrainingPipeline"/> says in which order they run.</summary>
public static class PipelineStages
{
    public static Stage<IngestInput, IngestOutput> Ingest { get; } = Stage.Of<IngestStage, IngestInput, IngestOutput>();
    public static Stage<QuarantineInput, QuarantineOutput> Quarantine { get; } = Stage.Of<QuarantineStage, QuarantineInput, QuarantineOutput>();
    public static Stage<ExpectInput, ExpectOutput> Expect { get; } = Stage.Of<ExpectStage, ExpectInput, ExpectOutput>();
    public static Stage<CleanPartInput, CleanPartOutput> CleanPart { get; } = Stage.Of<CleanPartStage, CleanPartInput, CleanPartOutput>();
    public static Stage<CleanInput, CleanOutput> Clean { get; } = Stage.Of<CleanStage, CleanInput, CleanOutput>();
    public static Stage<FeaturesInput, FeaturesOutput> Features { get; } = Stage.Of<FeaturesStage, FeaturesInput, FeaturesOutput>();
    public static Stage<SplitInput, SplitOutput> Split { get; } = Stage.Of<SplitStage, SplitInput, SplitOutput>();
    public static Stage<TrainInput, TrainOutput> Train { get; } = Stage.Of<TrainStage, TrainInput, TrainOutput>();
    public static Stage<ValidateInput, ValidateOutput> Validate { get; } = Stage.Of<ValidateStage, ValidateInput, ValidateOutput>();
    public static Stage<DriftPartInput, DriftPartOutput> DriftPart { get; } = Stage.Of<DriftPartStage, DriftPartInput, DriftPartOutput>();
    public static Stage<DriftInput, DriftOutput> Drift { get; } = Stage.Of<DriftStage, DriftInput, DriftOutput>();
    public static Stage<AwaitApprovalInput, AwaitApprovalOutput> AwaitApproval { get; } =
        Stage.Of<AwaitApprovalStage, AwaitApprovalInput, AwaitApprovalOutput>();
    public static Stage<PromoteInput, PromoteOutput> Promote { get; } = Stage.Of<PromoteStage, PromoteInput, PromoteOutput>();
    public static Stage<ExplainInput, ExplainOutput> Explain { get; } = Stage.Of<ExplainStage, ExplainInput, ExplainOutput>();
    public static Stage<CanaryShiftInput, CanaryShiftOutput> CanaryShift { get; } = Stage.Of<CanaryShiftStage, CanaryShiftInput, CanaryShiftOutput>();
    public static Stage<CanaryJudgeInput, CanaryJudgeOutput> CanaryJudge { get; } = Stage.Of<CanaryJudgeStage, CanaryJudgeInput, CanaryJudgeOutput>();
    public static Stage<CanaryEndInput, CanaryEndOutput> CanaryEnd { get; } = Stage.Of<CanaryEndStage, CanaryEndInput, CanaryEndOutput>();
    public static Stage<ModelCardInput, ModelCardOutput> ModelCard { get; } = Stage.Of<ModelCardStage, ModelCardInput, ModelCardOutput>();
    public static Stage<ScorePartInput, ScorePartOutput> ScorePart { get; } = Stage.Of<ScorePartStage, ScorePartInput, ScorePartOutput>();
    public static Stage<ScoreInput, ScoreOutput> Score { get; } = Stage.Of<ScoreStage, ScoreInput, ScoreOutput>();
    public static Stage<AlertInput, AlertOutput> Alert { get; } = Stage.Of<AlertStage, AlertInput, AlertOutput>();
    public static Stage<FinishInput, FinishOutput> Finish { get; } = Stage.Of<FinishStage, FinishInput, FinishOutput>();

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Stage> All { get; } =
    [
        Ingest, Quarantine, Expect, CleanPart, Clean, Features, Split, Train, Validate, DriftPart, Drift, AwaitApproval, Promote, Explain, CanaryShift,
        CanaryJudge, CanaryEnd, ModelCard, ScorePart, Score, Alert, Finish,
    ];
}

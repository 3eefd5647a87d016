using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Profiling;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports;
using MlOps.Pipeline.Stages.Alerting;
using MlOps.Pipeline.Stages.Clean;
using MlOps.Pipeline.Stages.Drift;
using MlOps.Pipeline.Stages.Explain;
using MlOps.Pipeline.Stages.Features;
using MlOps.Pipeline.Stages.Finish;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Stages.ModelCard;
using MlOps.Pipeline.Stages.Promote;
using MlOps.Pipeline.Stages.Quarantine;
using MlOps.Pipeline.Stages.Split;
using MlOps.Pipeline.Stages.Train;
using MlOps.Pipeline.Stages.Validate;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline;

/// <summary>Registers the pipeline's services; a host adds <see cref="PipelineStorage"/>, <see cref="PipelineOptions"/> and its <see cref="IPipelineEngine"/>.</summary>
public static class PipelineServices
{
    public static IServiceCollection AddMlOpsPipeline(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        return services
            .AddAlerts()
            .AddSingleton<IDuckFunctions, FeatureSqlFunctions>()
            .AddSingleton<DuckDb>()
            .AddSingleton<DatasetStore>()
            .AddSingleton<DatasetExport>()
            .AddSingleton<FeatureTableCache>()
            .AddSingleton<DefinitionStore>()
            .AddSingleton<DefinitionInference>()
            .AddSingleton<RunStore>()
            .AddSingleton<AlertStore>()
            .AddSingleton<ArtifactStore>()
            .AddSingleton<ModelRegistry>()
            .AddSingleton<ReportRenderer>()
            .AddSingleton<StageRunner>()
            .AddSingleton<RunStarter>()
            .AddSingleton<TurnKeeper>()
            .AddSingleton<IngestStage>()
            .AddSingleton<QuarantineStage>()
            .AddSingleton<CleanPartStage>()
            .AddSingleton<CleanStage>()
            .AddSingleton<FeaturesStage>()
            .AddSingleton<SplitStage>()
            .AddSingleton<TrainingProgress>()
            .AddSingleton<TrainStage>()
            .AddSingleton<ValidateStage>()
            .AddSingleton<TableProfiler>()
            .AddSingleton<ProfileStore>()
            .AddSingleton<DriftPartStage>()
            .AddSingleton<DriftStage>()
            .AddSingleton<PromoteStage>()
            .AddSingleton<ExplainStage>()
            .AddSingleton<ModelCardStage>()
            .AddSingleton<AlertStage>()
            .AddSingleton<AwaitApprovalStage>()
            .AddSingleton<FinishStage>();
    }
}

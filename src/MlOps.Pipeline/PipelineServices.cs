using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Deletion;
using MlOps.Pipeline.Doctor;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.OpenLineage;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Profiling;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Stages.Promote;
using MlOps.Pipeline.Stages.Score;
using MlOps.Pipeline.Stages.Train;
using MlOps.Pipeline.Stages.Validate;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;
using MlOps.Pipeline.Versions;

namespace MlOps.Pipeline;

/// <summary>Registers the pipeline's services; a host adds <see cref="PipelineStorage"/>, <see cref="PipelineOptions"/> and its <see
/// cref="IPipelineEngine"/>.</summary>
public static class PipelineServices
{
    public static IServiceCollection AddMlOpsPipeline(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(new RetentionOptions(RunDays: null));
        services.TryAddSingleton(host => host.GetRequiredService<PipelineOptions>().Limits);
        StageLogProvider.AddTo(services);
        foreach (var stage in PipelineStages.All)
        {
            services.AddSingleton(stage.Type);
        }
        return services
            .AddAlerts()
            .AddOpenLineage()
            .AddSingleton<FeatureFunctions>()
            .AddSingleton<TrainerCatalog>()
            .AddSingleton(host => TrainingPlaces.Of(host.GetRequiredService<PipelineOptions>()))
            .AddSingleton<PromotionChecks>()
            .AddSingleton(Known)
            .AddSingleton<IDuckFunctions, FeatureSqlFunctions>()
            .AddSingleton<DuckDb>()
            .AddSingleton<PartCache>()
            .AddSingleton<AbandonedWork>()
            .AddSingleton<DatasetStore>()
            .AddSingleton<DatasetExport>()
            .AddSingleton<RawFileArrivals>()
            .AddSingleton<FeatureTableCache>()
            .AddSingleton<DefinitionStore>()
            .AddSingleton<DefinitionCatalog>()
            .AddSingleton<DefinitionInference>()
            .AddSingleton<GuessCorrection>()
            .AddSingleton<RunStore>()
            .AddSingleton<AlertStore>()
            .AddSingleton<ArtifactStore>()
            .AddSingleton<StorageDoctor>()
            .AddSingleton<IndexRepair>()
            .AddSingleton<RunDeletion>()
            .AddSingleton<RunRetention>()
            .AddSingleton<ModelDeletion>()
            .AddSingleton<RawFileDeletion>()
            .AddSingleton<DefinitionDeletion>()
            .AddSingleton<ModelRegistry>()
            .AddSingleton<ModelTraffic>()
            .AddSingleton<TrainedModels>()
            .AddSingleton<AuditTrail>()
            .AddSingleton<DataLog>()
            .AddSingleton<DataTags>()
            .AddSingleton<DataVersions>()
            .AddSingleton<DataComparison>()
            .AddSingleton<DataStatistics>()
            .AddSingleton<DataCheckout>()
            .AddSingleton<DataCollector>()
            .AddSingleton<DataVerification>()
            .AddSingleton<ModelCopy>()
            .AddSingleton<RunFacts>()
            .AddSingleton<ReportRenderer>()
            .AddSingleton<StageRunner>()
            .AddSingleton<RunSources>()
            .AddSingleton<RunStarter>()
            .AddSingleton<CanaryStarter>()
            .AddSingleton<ScoreStarter>()
            .AddSingleton<RunDecisions>()
            .AddSingleton<RunAdmission>()
            .AddSingleton<TrainingPermits>()
            .AddSingleton<TrainingProgress>()
            .AddSingleton<ScoringProgress>()
            .AddSingleton<CandidateTraining>()
            .AddSingleton<WinnerMeasures>()
            .AddSingleton<ProductionComparison>()
            .AddSingleton<TableProfiler>()
            .AddSingleton<ProfileStore>();
    }

    private static KnownExtensions Known(IServiceProvider host) => new(
        [.. host.GetRequiredService<FeatureFunctions>().Added.Select(function => new KnownFunction(function.Name, function.Inputs))],
        [.. host.GetRequiredService<TrainerCatalog>().Added.Select(trainer => new KnownTrainer(trainer.Name, trainer.Tasks, trainer.Options))],
        [.. host.GetRequiredService<PromotionChecks>().Added.Select(check => new KnownCheck(check.Name, check.Options))]);
}

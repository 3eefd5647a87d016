using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Reports;
using MlOps.Pipeline.Stages.Clean;
using MlOps.Pipeline.Stages.Drift;
using MlOps.Pipeline.Stages.Drift.Live;
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
            .AddSingleton<Data.Duck.DuckDb>()
            .AddSingleton<DatasetStore>()
            .AddSingleton<DatasetExport>()
            .AddSingleton<Models.FeatureTableCache>()
            .AddSingleton<DefinitionStore>()
            .AddSingleton<DefinitionInference>()
            .AddSingleton<RunStore>()
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
            .AddSingleton<DriftPartStage>()
            .AddSingleton<DriftStage>()
            .AddSingleton<LiveDrift>()
            .AddSingleton<PromoteStage>()
            .AddSingleton<ExplainStage>()
            .AddSingleton<ModelCardStage>()
            .AddSingleton<AwaitApprovalStage>()
            .AddSingleton<FinishStage>();
    }
}

/// <summary>What a host decides about the pipeline's use of its machine.</summary>
public sealed record PipelineOptions
{
    /// <summary>Local folder for downloaded and just written parts, and for what does not fit into memory.</summary>
    public required string WorkFolder { get; init; }

    /// <summary>Most memory that one DuckDB query may use, in MiB; it spills to <see cref="WorkFolder"/> beyond.</summary>
    public int DuckDbMemoryMb { get; init; } = 512;

    /// <summary>About how many rows a part of a raw table holds: one part fits well into the memory of a small worker.</summary>
    public int RowsPerPart { get; init; } = 2_500_000;

    /// <summary>Threads of a stage.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;
}

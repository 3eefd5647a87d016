using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Profiling;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages.Canary;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Feedback;
using MlOps.Serving.Lineage;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Predictions;
using MlOps.Serving.Signals;

namespace MlOps.Serving;

/// <summary>Registers serving; a host may add its own <see cref="ServingOptions"/> before.</summary>
public static class ServingServices
{
    /// <summary>Keeps the rows that this host predicts, and asks shadows; the host may add its own <see cref="PredictionLogOptions"/> before.</summary>
    public static IServiceCollection AddPredictionLog(this IServiceCollection services) => services
        .AddKeptPredictions()
        .AddSingleton<ShadowScorer>()
        .AddHostedService(host => host.GetRequiredService<ShadowScorer>());

    public static IServiceCollection AddMlOpsServing(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(new ServingOptions());
        services.TryAddSingleton(host => ExplainThreads.Of(host.GetRequiredService<ServingOptions>().ExplainThreads));
        services.TryAddSingleton<IScorerLoader, ArtifactScorerLoader>();
        return services
            .AddLiveDrift()
            .AddSignals()
            .AddSingleton<LineageReader>()
            .AddSingleton<ModelNames>()
            .AddSingleton<ModelCache>()
            .AddSingleton<VersionCache>()
            .AddSingleton<ProductionNames>()
            .AddSingleton(host => new ScoringService(
                host.GetRequiredService<PredictionService>(), host.GetRequiredService<VersionCache>(), host.GetRequiredService<ProductionNames>(),
                host.GetRequiredService<ModelNames>(), host.GetRequiredService<ModelRegistry>(), host.GetRequiredService<InputLimits>(),
                host.GetRequiredService<ServingOptions>(), host.GetRequiredService<TimeProvider>()))
            .AddSingleton<FeedbackStore>()
            .AddSingleton<KeyDeletion>()
            .AddSingleton<PredictionRetention>()
            .AddSingleton(host => new FeedbackDataset(
                host.GetRequiredService<PredictionLogReader>(), host.GetRequiredService<FeedbackStore>(), host.GetRequiredService<ModelRegistry>(),
                host.GetRequiredService<DefinitionStore>(), host.GetRequiredService<DatasetStore>(), host.GetRequiredService<ProfileStore>(),
                host.GetRequiredService<DataLog>(), host.GetRequiredService<DuckDb>()))
            .AddSingleton(host => new TrafficComparer(
                host.GetRequiredService<PredictionLogReader>(), host.GetRequiredService<FeedbackStore>(), host.GetRequiredService<VersionCache>(),
                host.GetRequiredService<DuckDb>(), host.GetRequiredService<PipelineOptions>(), host.GetRequiredService<TimeProvider>()))
            .AddSingleton<ITrafficEvidence, TrafficEvidence>()
            .AddSingleton<TrafficRuling>()
            .AddSingleton<ChallengerFaults>()
            .AddSingleton(host => new PredictionService(
                host.GetRequiredService<ModelCache>(), host.GetRequiredService<ModelNames>(), host.GetRequiredService<ServingOptions>(),
                host.GetRequiredService<InputLimits>(), new KeptRows(host.GetService<PredictionLog>(), host.GetService<ShadowScorer>()),
                host.GetRequiredService<ChallengerFaults>(), host.GetRequiredService<TimeProvider>(),
                host.GetRequiredService<ILogger<PredictionService>>()));
    }
}

using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;

namespace MlOps.Local.Engine;

/// <summary>Registers the engine; the host adds <see cref="EngineOptions"/>, the pipeline's services and storage.</summary>
public static class EngineServices
{
    /// <summary>Runs the runs of this storage in this process.</summary>
    public static IServiceCollection AddEmbeddedEngine(this IServiceCollection services) => services
        // Before the engine, so that it is stopped after it: how the last run ended is told too.
        .AddHostedService<LineageDelivery>()
        .AddSingleton<Orchestrate>(TrainingPipeline.RunAsync)
        .AddSingleton<RunEvents>()
        .AddSingleton<RunLeases>()
        .AddSingleton<RetriedStages>()
        .AddSingleton<RunExecutor>()
        .AddSingleton<EmbeddedEngine>()
        .AddSingleton<IPipelineEngine>(provider => provider.GetRequiredService<EmbeddedEngine>())
        .AddHostedService(provider => provider.GetRequiredService<EmbeddedEngine>());

    /// <summary>Leaves the runs of this storage to the process that has its data folder.</summary>
    public static IServiceCollection AddRemoteEngine(this IServiceCollection services) => services
        .AddSingleton<RunEvents>()
        .AddSingleton<RunLeases>()
        .AddSingleton<IPipelineEngine, RemoteEngine>();
}

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Registry;
using MlOps.Serving.Lineage;
using MlOps.Serving.Models;
using MlOps.Serving.Monitoring;
using MlOps.Serving.Predictions;

namespace MlOps.Serving;

/// <summary>Registers serving; a host may add its own <see cref="ServingOptions"/> before.</summary>
public static class ServingServices
{
    public static IServiceCollection AddMlOpsServing(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(new ServingOptions());
        services.TryAddSingleton<IScorerLoader, ArtifactScorerLoader>();
        return services
            .AddLiveDrift()
            .AddSingleton<LineageReader>()
            .AddSingleton<ModelNames>()
            .AddSingleton<ModelCache>()
            .AddSingleton<VersionCache>()
            .AddSingleton<ProductionNames>()
            .AddSingleton(host => new ScoringService(
                host.GetRequiredService<PredictionService>(), host.GetRequiredService<VersionCache>(), host.GetRequiredService<ProductionNames>(),
                host.GetRequiredService<ModelNames>(), host.GetRequiredService<ModelRegistry>(), host.GetRequiredService<InputLimits>(),
                host.GetRequiredService<ServingOptions>()))
            .AddSingleton(host => new PredictionService(
                host.GetRequiredService<ModelCache>(), host.GetRequiredService<ModelNames>(), host.GetRequiredService<ServingOptions>(),
                host.GetRequiredService<InputLimits>(), host.GetService<PredictionLog>()));
    }
}

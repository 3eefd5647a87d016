using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MlOps.Serving.Monitoring;

/// <summary>Registers what watches the models that serve.</summary>
public static class MonitoringServices
{
    /// <summary>Keeps the rows that this host predicts.</summary>
    internal static IServiceCollection AddKeptPredictions(this IServiceCollection services)
    {
        services.TryAddSingleton(new PredictionLogOptions());
        return services
            .AddSingleton<LoggedModels>()
            .AddSingleton<PredictionBlobs>()
            .AddSingleton<PredictionLog>()
            .AddHostedService<PredictionLogWriter>();
    }

    /// <summary>What finds and shows live drift; who looks for it is a trigger.</summary>
    internal static IServiceCollection AddLiveDrift(this IServiceCollection services)
    {
        services.TryAddSingleton(new CompactionOptions());
        return services.AddReaders();
    }

    private static IServiceCollection AddReaders(this IServiceCollection services) => services
        .AddSingleton<PredictionLogReader>()
        .AddSingleton<PredictionCompactor>()
        .AddSingleton<CompactedRows>()
        .AddSingleton<KeyedRows>()
        .AddSingleton<LiveDriftMarks>()
        .AddSingleton<LiveDriftStore>()
        .AddSingleton<LiveDrift>();
}

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Data;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Triggers;

/// <summary>Registers what acts by itself; the host, which adds serving too, decides when they look.</summary>
public static class TriggerServices
{
    public static IServiceCollection AddTriggers(this IServiceCollection services) => services
        .AddSingleton<RawFileMarks>()
        .AddSingleton<RawFileIntake>()
        .AddSingleton<RawFileWatcher>()
        .AddSingleton<ScheduleMarks>()
        .AddSingleton<ScheduleTrigger>()
        .AddSingleton<SelfStartedRuns>()
        .AddSingleton<LiveDriftTrigger>()
        .AddSingleton<RowsTrigger>()
        .AddSingleton<TrafficLooks>()
        .AddSingleton<TrafficTrigger>()
        .AddLogCare()
        .AddSingleton<IndexTrigger>()
        .AddSingleton<RetentionTrigger>();

    /// <summary>What looks after the prediction log.</summary>
    public static IServiceCollection AddLogCare(this IServiceCollection services) => services
        .AddSingleton(host => new CompactionTrigger(
            host.GetRequiredService<PredictionCompactor>(), host.GetRequiredService<PipelineStorage>(), host.GetRequiredService<CompactionOptions>(),
            host.GetRequiredService<TimeProvider>(), host.GetRequiredService<ILogger<CompactionTrigger>>()));
}

using Microsoft.Extensions.DependencyInjection;

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
        .AddSingleton<LiveDriftTrigger>()
        .AddSingleton<TrafficLooks>()
        .AddSingleton<TrafficTrigger>()
        .AddSingleton<IndexTrigger>()
        .AddSingleton<RetentionTrigger>();
}

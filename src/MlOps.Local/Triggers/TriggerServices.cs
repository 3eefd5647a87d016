using MlOps.Serving.Triggers;

namespace MlOps.Local.Triggers;

/// <summary>Lets the triggers look again and again in this process.</summary>
public static class TriggerServices
{
    public static IServiceCollection AddTriggerLoops(this IServiceCollection services) => services
        .AddHostedService<TriggerLoop<RawFileWatcher>>()
        .AddHostedService<TriggerLoop<ScheduleTrigger>>()
        .AddHostedService<TriggerLoop<LiveDriftTrigger>>()
        .AddHostedService<TriggerLoop<RowsTrigger>>()
        .AddHostedService<TriggerLoop<TrafficTrigger>>()
        .AddHostedService<TriggerLoop<CompactionTrigger>>()
        .AddHostedService<TriggerLoop<IndexTrigger>>()
        .AddHostedService<TriggerLoop<RetentionTrigger>>();
}

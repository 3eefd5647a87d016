namespace MlOps.Local.Triggers;

/// <summary>Registers what starts runs by itself.</summary>
public static class TriggerServices
{
    public static IServiceCollection AddTriggers(this IServiceCollection services) => services
        .AddSingleton<RawFileMarks>()
        .AddSingleton<ScheduleMarks>()
        .AddSingleton<RawFileWatcher>()
        .AddSingleton<ScheduleTrigger>()
        .AddHostedService<TriggerLoop<RawFileWatcher>>()
        .AddHostedService<TriggerLoop<ScheduleTrigger>>();
}

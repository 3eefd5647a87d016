using MlOps.Serving.Triggers;

namespace MlOps.Local.Triggers;

/// <summary>Lets a trigger look again and again. What goes wrong in one look is logged, and the next look comes.</summary>
public sealed partial class TriggerLoop<TTrigger>(TTrigger trigger, TimeProvider time, ILogger<TTrigger> logger) : BackgroundService
    where TTrigger : ITrigger
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(trigger.Interval, time);
        try
        {
            do
            {
                await LookAsync(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private async Task LookAsync(CancellationToken stopping)
    {
        try
        {
            await trigger.LookAsync(stopping);
        }
        catch (Exception fault) when (!stopping.IsCancellationRequested)
        {
            LogHiccup(typeof(TTrigger).Name, fault);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Trigger} met a fault; it looks again in a moment")]
    private partial void LogHiccup(string trigger, Exception fault);
}

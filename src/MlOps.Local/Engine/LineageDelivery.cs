using MlOps.Pipeline.OpenLineage;

namespace MlOps.Local.Engine;

/// <summary>Lets events of runs be told while this host works on runs, and once more when it stops.</summary>
public sealed partial class LineageDelivery(LineageSender sender, OpenLineageOptions options, TimeProvider time, ILogger<LineageDelivery> logger)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (sender.IsOn && !cancellationToken.IsCancellationRequested)
        {
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            deadline.CancelAfter(options.Timeout);
            await LookAsync(deadline.Token);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!sender.IsOn)
        {
            return;
        }
        using var timer = new PeriodicTimer(Interval, time);
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
            await sender.SendDueAsync(stopping);
        }
        catch (Exception) when (stopping.IsCancellationRequested)
        {
            // What was not told is told by the next host.
        }
        catch (Exception fault)
        {
            LogHiccup(fault);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "OpenLineage events could not be looked for; that is done again in a moment")]
    private partial void LogHiccup(Exception fault);
}

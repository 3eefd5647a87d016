using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Alerts;

/// <summary>
/// Sends alerts through every channel of the host. Who tells an alert first keeps what <see cref="New"/> gives, so that nobody else tells it, and
/// then calls <see cref="SendAsync"/>.
/// </summary>
public sealed partial class AlertSender
{
    /// <summary>Channels that keep the time themselves say better what was late.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private readonly IReadOnlyDictionary<string, IAlertChannel> channels;
    private readonly AlertOptions options;
    private readonly TimeProvider time;
    private readonly ILogger<AlertSender> logger;

    /// <exception cref="InputException">A channel's name is none, or is taken.</exception>
    public AlertSender(IEnumerable<IAlertChannel> channels, WebhookChannel webhook, AlertOptions options, TimeProvider time, ILogger<AlertSender> logger)
    {
        // Unlike Slack, whose absence people should see, a webhook that nobody has set is not spoken of.
        var all = options.Webhook is null ? channels : channels.Append(webhook);
        this.channels = ExtensionNames.Index(all, channel => channel.Name, "alert channel", []);
        (this.options, this.time, this.logger) = (options, time, logger);
    }

    /// <summary>An alert that no channel has been given yet.</summary>
    public Alert New(AlertKind kind, string title, IReadOnlyList<string> reasons) => new(
        kind, title, reasons, time.GetUtcNow(),
        [
            .. channels.Values.Select(channel =>
                new AlertDelivery(channel.Name, channel.OffBecause is null ? AlertState.Sending : AlertState.NotSent, channel.OffBecause))
        ]);

    /// <summary>Gives a new alert to the channels that send, side by side. Throws nothing, but when <paramref name="cancel"/> does.</summary>
    /// <returns>The alert with what became of it in every channel.</returns>
    public async Task<Alert> SendAsync(Alert alert, AlertSubject subject, CancellationToken cancel)
    {
        var deliveries = await Task.WhenAll(alert.Deliveries.Select(
            delivery => delivery.State == AlertState.Sending ? DeliverAsync(channels[delivery.Channel], alert, subject, cancel) : Task.FromResult(delivery)));
        return alert with { Deliveries = deliveries };
    }

    private async Task<AlertDelivery> DeliverAsync(IAlertChannel channel, Alert alert, AlertSubject subject, CancellationToken cancel)
    {
        var problem = await TrySendAsync(channel, alert, subject, cancel);
        if (problem is null)
        {
            return new AlertDelivery(channel.Name, AlertState.Sent);
        }
        LogNotSent(subject.Name, alert.Kind, channel.Name, problem);
        return new AlertDelivery(channel.Name, AlertState.Failed, problem);
    }

    private async Task<string?> TrySendAsync(IAlertChannel channel, Alert alert, AlertSubject subject, CancellationToken cancel)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        late.CancelAfter(options.Timeout + Grace);
        try
        {
            // A channel that does not listen is not waited for either.
            return await Task.Run(() => channel.SendAsync(alert, subject, late.Token), late.Token).WaitAsync(late.Token);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            throw;
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested)
        {
            return "The channel did not answer in time; the message may have arrived all the same.";
        }
        catch (Exception fault)
        {
            LogThrew(subject.Name, alert.Kind, channel.Name, fault);
            return $"The channel failed ({fault.GetType().Name}); the host's log says more.";
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Subject}: alert {Kind} was not sent through {Channel}: {Problem}")]
    private partial void LogNotSent(string subject, AlertKind kind, string channel, string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Subject}: alert {Kind} made channel {Channel} throw")]
    private partial void LogThrew(string subject, AlertKind kind, string channel, Exception fault);
}

using System.Net.Http.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Alerts;

/// <summary>Sends messages to the webhook of the settings. Its address is in no log and no exception that leaves here.</summary>
public sealed class SlackChannel(IHttpClientFactory clients, AlertOptions options) : IAlertChannel
{
    /// <summary>The HTTP client's name, for the factory.</summary>
    public const string ClientName = "slack";

    public string Name => "slack";

    public string? OffBecause => options.SlackWebhookUrl is null ? "No Slack webhook is set." : null;

    /// <summary>Null when Slack took the message, else why not. Never throws, but when <paramref name="cancel"/> is.</summary>
    public async Task<string?> SendAsync(Alert alert, AlertSubject subject, CancellationToken cancel)
    {
        using var http = clients.CreateClient(ClientName);
        return await HttpDelivery.SendAsync(
            "Slack", stop => http.PostAsJsonAsync(options.SlackWebhookUrl, SlackMessage.Of(alert, subject, options.BaseUrl), Json.Options, stop), cancel);
    }
}

using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Alerts;

/// <summary>
/// Sends the events that Slack is told to an address of the settings, as JSON and signed, so that a receiver knows who sent it and that nothing was changed.
/// </summary>
/// <remarks>
/// As Standard Webhooks has it (https://www.standardwebhooks.com): <c>webhook-id</c> is the same for every attempt of a message, <c>webhook-signature</c> is
/// <c>v1,</c> and the Base64 of the HMAC-SHA256 of id, timestamp and body with dots between.
/// </remarks>
public sealed class WebhookChannel(IHttpClientFactory clients, AlertOptions options, TimeProvider time) : IAlertChannel
{
    /// <summary>The HTTP client's name, for the factory.</summary>
    public const string ClientName = "webhook";

    public string Name => "webhook";

    public string? OffBecause => options.Webhook is null ? "No webhook is set." : null;

    /// <summary>Null when the receiver took the event, else why not. Never throws, but when <paramref name="cancel"/> is.</summary>
    public async Task<string?> SendAsync(Alert alert, AlertSubject subject, CancellationToken cancel)
    {
        var webhook = options.Webhook ?? throw new InvalidOperationException("A channel that is off is not called.");
        var body = JsonSerializer.SerializeToUtf8Bytes(WebhookEvent.Of(alert, subject, options.BaseUrl), Json.Options);
        var now = time.GetUtcNow();
        var (id, timestamp) = ($"msg_{Guid.CreateVersion7(now):N}", now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture));
        using var http = clients.CreateClient(ClientName);
        return await HttpDelivery.SendAsync(
            "The webhook",
            async stop =>
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, webhook.Url) { Content = new ByteArrayContent(body) };
                request.Content.Headers.ContentType = new("application/json");
                request.Headers.Add("webhook-id", id);
                request.Headers.Add("webhook-timestamp", timestamp);
                request.Headers.Add("webhook-signature", Sign(webhook.Key, id, timestamp, body));
                return await http.SendAsync(request, stop);
            },
            cancel);
    }

    private static string Sign(ReadOnlySpan<byte> key, string id, string timestamp, byte[] body) =>
        "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, [.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body]));
}

/// <summary>An alert as a webhook gets it.</summary>
/// <param name="Type">What happened.</param>
/// <param name="Timestamp">When.</param>
/// <param name="Data">What is known of it.</param>
public sealed record WebhookEvent(AlertKind Type, DateTimeOffset Timestamp, WebhookData Data)
{
    internal static WebhookEvent Of(Alert alert, AlertSubject subject, Uri baseUrl) => new(
        alert.Kind, alert.At,
        new WebhookData(
            alert.Title, alert.Reasons, subject.Name,
            subject.Fields.DistinctBy(field => field.Name).ToDictionary(field => field.Name, field => field.Value, StringComparer.Ordinal),
            AlertSubject.AddressOf(subject, baseUrl)));
}

/// <summary>What is known of what happened.</summary>
/// <param name="Title">Its headline.</param>
/// <param name="Reasons">Why, one sentence each.</param>
/// <param name="Subject">What it is about.</param>
/// <param name="Fields">Its names and numbers.</param>
/// <param name="Url">Where it is.</param>
public sealed record WebhookData(string Title, IReadOnlyList<string> Reasons, string Subject, IReadOnlyDictionary<string, string> Fields, string Url);

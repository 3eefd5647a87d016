using Microsoft.Extensions.Configuration;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Alerts;

/// <summary>
/// Reads where alerts go from a host's settings: <c>Alerts:SlackWebhookUrl</c> (<c>Alerts__SlackWebhookUrl</c>, or <c>SLACK_WEBHOOK_URL</c>,
/// in the environment), <c>Alerts:WebhookUrl</c> with <c>Alerts:WebhookSecret</c>, and <c>Alerts:BaseUrl</c>.
/// </summary>
public static class AlertSettings
{
    /// <param name="configuration">The host's settings; without its command line, which other users of the machine can read.</param>
    /// <param name="baseUrl">Where the host serves, when the settings do not say.</param>
    /// <exception cref="InputException">An address is none; the text does not repeat it.</exception>
    public static AlertOptions Read(IConfiguration configuration, Uri baseUrl) => new()
    {
        SlackWebhookUrl = UrlOf(configuration, "Alerts:SlackWebhookUrl") ?? UrlOf(configuration, "SLACK_WEBHOOK_URL"),
        Webhook = UrlOf(configuration, "Alerts:WebhookUrl") is { } webhook ? new WebhookTarget(webhook, configuration["Alerts:WebhookSecret"]) : null,
        BaseUrl = UrlOf(configuration, "Alerts:BaseUrl") ?? baseUrl,
    };

    private static Uri? UrlOf(IConfiguration configuration, string key)
    {
        if (configuration[key] is not { Length: > 0 } text)
        {
            return null;
        }
        return Uri.TryCreate(text, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp)
            ? url
            : throw new InputException($"The setting {key} is no http or https address.");
    }
}

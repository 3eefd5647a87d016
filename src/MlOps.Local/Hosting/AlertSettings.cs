using MlOps.Pipeline.Alerts;

namespace MlOps.Local.Hosting;

/// <summary>
/// Reads where alerts go from <c>appsettings.json</c> or the environment: <c>Alerts:SlackWebhookUrl</c> (<c>Alerts__SlackWebhookUrl</c>, or
/// <c>SLACK_WEBHOOK_URL</c>) and <c>Alerts:BaseUrl</c>. Not from the command line, which other users of the machine can read.
/// </summary>
internal static class AlertSettings
{
    /// <exception cref="EnvironmentProblemException">An address is none; the text does not repeat it.</exception>
    public static AlertOptions Read(IConfigurationManager configuration, int port)
    {
        configuration.AddEnvironmentVariables();
        return new AlertOptions
        {
            SlackWebhookUrl = UrlOf(configuration, "Alerts:SlackWebhookUrl") ?? UrlOf(configuration, "SLACK_WEBHOOK_URL"),
            BaseUrl = UrlOf(configuration, "Alerts:BaseUrl") ?? new Uri($"http://127.0.0.1:{(port == 0 ? HostSettings.DefaultPort : port)}"),
        };
    }

    private static Uri? UrlOf(IConfiguration configuration, string key)
    {
        if (configuration[key] is not { Length: > 0 } text)
        {
            return null;
        }
        return Uri.TryCreate(text, UriKind.Absolute, out var url) && (url.Scheme == Uri.UriSchemeHttps || url.Scheme == Uri.UriSchemeHttp)
            ? url
            : throw new EnvironmentProblemException($"The setting {key} is no http or https address.");
    }
}

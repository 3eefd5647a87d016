using System.Globalization;
using Microsoft.Extensions.Configuration;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.OpenLineage;

/// <summary>
/// Reads where events go from a host's settings: <c>OpenLineage:Url</c> (<c>OpenLineage__Url</c> in the environment), <c>ApiKey</c>, <c>Namespace</c>,
/// <c>TimeoutSeconds</c>, <c>KeepTryingHours</c>; or by the names that all OpenLineage clients read: <c>OPENLINEAGE_URL</c>, <c>OPENLINEAGE_ENDPOINT</c>,
/// <c>OPENLINEAGE_API_KEY</c>, <c>OPENLINEAGE_NAMESPACE</c>.
/// </summary>
public static class OpenLineageSettings
{
    private const string DefaultPath = "api/v1/lineage";

    /// <exception cref="InputException">A setting is none; the text repeats no secret.</exception>
    public static OpenLineageOptions Read(IConfiguration configuration)
    {
        var options = new OpenLineageOptions();
        return options with
        {
            Endpoint = EndpointOf(configuration),
            ApiKey = Text(configuration, "OpenLineage:ApiKey") ?? Text(configuration, "OPENLINEAGE_API_KEY"),
            Namespace = Text(configuration, "OpenLineage:Namespace") ?? Text(configuration, "OPENLINEAGE_NAMESPACE") ?? options.Namespace,
            Timeout = Span(configuration, "OpenLineage:TimeoutSeconds", TimeSpan.FromSeconds, most: 60) ?? options.Timeout,
            KeepTrying = Span(configuration, "OpenLineage:KeepTryingHours", TimeSpan.FromHours, most: 24 * 30) ?? options.KeepTrying,
        };
    }

    private static Uri? EndpointOf(IConfiguration configuration)
    {
        var key = Text(configuration, "OpenLineage:Url") is null ? "OPENLINEAGE_URL" : "OpenLineage:Url";
        if (Text(configuration, key) is not { } text)
        {
            return null;
        }
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || (url.Scheme != Uri.UriSchemeHttps && url.Scheme != Uri.UriSchemeHttp))
        {
            throw new InputException($"The setting {key} is no http or https address.");
        }
        var path = Text(configuration, "OPENLINEAGE_ENDPOINT") ?? DefaultPath;
        // An address with its path is taken as it is.
        return url.AbsolutePath.Contains("/lineage", StringComparison.Ordinal)
            ? url
            : new UriBuilder(url) { Path = $"{url.AbsolutePath.TrimEnd('/')}/{path.TrimStart('/')}" }.Uri;
    }

    private static string? Text(IConfiguration configuration, string key) => configuration[key] is { Length: > 0 } text ? text : null;

    private static TimeSpan? Span(IConfiguration configuration, string key, Func<double, TimeSpan> unit, double most)
    {
        if (Text(configuration, key) is not { } text)
        {
            return null;
        }
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number > 0 && number <= most
            ? unit(number)
            : throw new InputException(string.Create(CultureInfo.InvariantCulture, $"The setting {key} must be a number above 0, at most {most}."));
    }
}

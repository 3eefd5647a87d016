using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.Metadata;

namespace MlOps.Local.Hosting;

/// <summary>
/// Gives a request's span the attributes of OpenTelemetry's conventions (https://opentelemetry.io/docs/specs/semconv/http/http-spans/), only where the span is
/// kept: ASP.NET Core collects them for each request before it is decided, which cost predictions a tenth of their speed at one trace in a hundred.
/// </summary>
internal sealed class RequestSpans : IStartupFilter
{
    public const string Path = "url.path";

    private const string Method = "http.request.method";

    private static readonly HashSet<string> KnownMethods = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

    /// <inheritdoc/>
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use((http, rest) => Activity.Current is { IsAllDataRequested: true, Kind: ActivityKind.Server } span ? TellAsync(span, http, rest) : rest(http));
        next(app);
    };

    private static async Task TellAsync(Activity span, HttpContext http, RequestDelegate rest)
    {
        TellRequest(span, http.Request);
        try
        {
            await rest(http);
        }
        catch (Exception fault)
        {
            span.SetTag("error.type", fault.GetType().FullName).SetStatus(ActivityStatusCode.Error, fault.Message);
            // The server's answer to a fault that nobody took, unless an answer has begun.
            TellAnswer(span, http, http.Response.HasStarted ? http.Response.StatusCode : StatusCodes.Status500InternalServerError);
            throw;
        }
        TellAnswer(span, http, http.Response.StatusCode);
    }

    private static void TellRequest(Activity span, HttpRequest request)
    {
        var known = KnownMethods.Contains(request.Method);
        span.DisplayName = known ? request.Method : "HTTP";
        span.SetTag(Method, known ? request.Method : "_OTHER")
            .SetTag("http.request.method_original", known ? null : request.Method)
            .SetTag("server.address", request.Host.HasValue ? request.Host.Host : null)
            .SetTag("server.port", request.Host.Port)
            .SetTag("url.scheme", request.Scheme)
            .SetTag(Path, (request.PathBase + request.Path).ToString() is { Length: > 0 } path ? path : "/")
            .SetTag("user_agent.original", request.Headers.UserAgent is [{ Length: > 0 } agent, ..] ? agent : null)
            .SetTag("network.protocol.version", VersionOf(request.Protocol));
    }

    private static void TellAnswer(Activity span, HttpContext http, int status)
    {
        span.SetTag("http.response.status_code", status);
        // What answers for a fault takes the endpoint away, and remembers it.
        var endpoint = http.GetEndpoint() ?? http.Features.Get<IExceptionHandlerFeature>()?.Endpoint;
        if (endpoint?.Metadata.GetMetadata<IRouteDiagnosticsMetadata>()?.Route is { } route)
        {
            span.SetTag("http.route", route);
            span.DisplayName += " " + route;
        }
        if (status >= StatusCodes.Status500InternalServerError && span.Status == ActivityStatusCode.Unset)
        {
            span.SetTag("error.type", status.ToString(CultureInfo.InvariantCulture)).SetStatus(ActivityStatusCode.Error);
        }
    }

    private static string VersionOf(string protocol) => HttpProtocol.IsHttp2(protocol) ? "2"
        : HttpProtocol.IsHttp3(protocol) ? "3"
        : HttpProtocol.IsHttp10(protocol) ? "1.0"
        : "1.1";
}

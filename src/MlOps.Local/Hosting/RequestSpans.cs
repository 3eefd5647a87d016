using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.Metadata;
using MlOps.Pipeline.Contracts;
using OpenTelemetry.Trace;

namespace MlOps.Local.Hosting;

/// <summary>
/// The span of a request, with the attributes of OpenTelemetry's conventions (https://opentelemetry.io/docs/specs/semconv/http/http-spans/). Where only a share
/// of the traces is kept it is begun only for those: ASP.NET Core and OpenTelemetry begin one for each request and drop it.
/// </summary>
internal sealed class RequestSpans : IStartupFilter
{
    public const string Path = "url.path";

    private const string Method = "http.request.method";
    private const string Name = "HTTP";

    private static readonly HashSet<string> KnownMethods = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];

    [ThreadStatic]
    private static ActivityTraceId? given;

    private readonly TraceIdRatioBasedSampler? ratio;

    static RequestSpans()
    {
        var others = Activity.TraceIdGenerator ?? ActivityTraceId.CreateRandom;
        Activity.TraceIdGenerator = () => given ?? others();
    }

    /// <param name="configuration">The standard variables, of which OpenTelemetry makes its sampler.</param>
    public RequestSpans(IConfiguration configuration)
    {
        var sampled = configuration["OTEL_TRACES_SAMPLER"]?.EndsWith("traceidratio", StringComparison.OrdinalIgnoreCase) == true;
        ratio = sampled && double.TryParse(configuration["OTEL_TRACES_SAMPLER_ARG"], NumberStyles.Float, CultureInfo.InvariantCulture, out var share)
            && share is >= 0 and <= 1 ? new TraceIdRatioBasedSampler(share) : null;
    }

    /// <inheritdoc/>
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use((http, rest) => IsDropped(http.Request.Headers) ? rest(http) : RunAsync(http, rest));
        next(app);
    };

    /// <summary>
    /// Where a share of the traces is kept, and the caller has not begun one, the id that ASP.NET Core has given the request for its log decides, as it would
    /// within OpenTelemetry. Most requests are done with here: what is begun within them has a parent that is not kept, and is not kept either.
    /// </summary>
    private bool IsDropped(IHeaderDictionary headers) =>
        ratio is not null && Activity.Current is { IdFormat: ActivityIdFormat.W3C } logged && headers.TraceParent.Count == 0 && !IsKept(ratio, logged.TraceId);

    private static bool IsKept(Sampler sampler, ActivityTraceId trace) =>
        sampler.ShouldSample(new SamplingParameters(default, trace, Name, ActivityKind.Server)).Decision != SamplingDecision.Drop;

    private static Activity? Begin(IHeaderDictionary headers)
    {
        if (ActivityContext.TryParse(headers.TraceParent, headers.TraceState, isRemote: true, out var caller))
        {
            return Telemetry.Source.StartActivity(Name, ActivityKind.Server, caller);
        }
        // The first of a trace: what was begun for the log, which nobody keeps, is not its parent, but gives it its trace's id, by which it was decided.
        given = Activity.Current is { IdFormat: ActivityIdFormat.W3C } logged ? logged.TraceId : null;
        Activity.Current = null;
        try
        {
            return Telemetry.Source.StartActivity(Name, ActivityKind.Server);
        }
        finally
        {
            given = null;
        }
    }

    private static async Task RunAsync(HttpContext http, RequestDelegate rest)
    {
        using var span = Begin(http.Request.Headers);
        if (span is not { IsAllDataRequested: true })
        {
            await rest(http);
            return;
        }
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

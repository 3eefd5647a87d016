using System.Diagnostics;
using System.Globalization;
using Azure.Core;
using Azure.Core.Pipeline;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Data;

/// <summary>
/// A span for each request to storage, retries included, that is part of something: of an HTTP request, a stage. Loops that only look make none. Of the address
/// the span has container or table alone: names of blobs and keys of rows may be about people, and signatures open files.
/// </summary>
public sealed class StorageSpans : HttpPipelinePolicy
{
    private StorageSpans()
    {
    }

    /// <summary>Adds the spans to a client's requests.</summary>
    public static T AddTo<T>(T options)
        where T : ClientOptions
    {
        options.AddPolicy(new StorageSpans(), HttpPipelinePosition.PerCall);
        return options;
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        using var span = Start(message.Request);
        try
        {
            ProcessNext(message, pipeline);
            Note(span, message);
        }
        catch (Exception fault)
        {
            Note(span, fault);
            throw;
        }
    }

    public override ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) =>
        Start(message.Request) is { } span ? ProcessAsync(span, message, pipeline) : ProcessNextAsync(message, pipeline);

    private static async ValueTask ProcessAsync(Activity span, HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        using (span)
        {
            try
            {
                await ProcessNextAsync(message, pipeline);
                Note(span, message);
            }
            catch (Exception fault)
            {
                Note(span, fault);
                throw;
            }
        }
    }

    private static Activity? Start(Request request)
    {
        if (Activity.Current is null || !Telemetry.Source.HasListeners())
        {
            return null;
        }
        var container = ContainerOf(request.Uri.ToUri());
        return Telemetry.Source.StartActivity($"{request.Method} {container}", ActivityKind.Client)?
            .SetTag("http.request.method", request.Method.ToString())
            .SetTag("server.address", request.Uri.Host)
            .SetTag("server.port", request.Uri.Port)
            .SetTag(Telemetry.Container, container);
    }

    /// <summary>The first part of the path; the emulator has the account before it. Of a table <c>runs(PartitionKey=…)</c> the name alone.</summary>
    private static string ContainerOf(Uri address)
    {
        var parts = address.AbsolutePath.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var place = address.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6 || address.Host == "localhost" ? 1 : 0;
        var name = parts.Length > place ? parts[place] : "";
        var end = name.AsSpan().IndexOfAny("(%");
        return end < 0 ? name : name[..end];
    }

    private static void Note(Activity? span, HttpMessage message)
    {
        if (span is null)
        {
            return;
        }
        var status = message.Response.Status;
        span.SetTag("http.response.status_code", status);
        // What is not there, there already, or was changed by another is an answer.
        if (status is >= 500 or 400 or 401 or 403 or 429)
        {
            span.SetTag(Telemetry.ErrorType, status.ToString(CultureInfo.InvariantCulture)).SetStatus(ActivityStatusCode.Error);
        }
    }

    private static void Note(Activity? span, Exception fault) =>
        span?.SetTag(Telemetry.ErrorType, fault.GetType().FullName).SetStatus(ActivityStatusCode.Error);
}

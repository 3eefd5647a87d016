using System.Diagnostics;
using Microsoft.AspNetCore.Http;

namespace MlOps.Web.Answers;

/// <summary>The W3C trace id by which a request is found in logs and telemetry: problems tell it.</summary>
public static class TraceIds
{
    /// <summary>Notes the trace that the host before us has begun, which the request does not carry to here.</summary>
    /// <param name="http">The request.</param>
    /// <param name="traceParent">As the host tells it: <c>00-TRACE-SPAN-FLAGS</c>.</param>
    public static void Note(HttpContext http, string? traceParent)
    {
        if (Read(traceParent) is { } trace)
        {
            http.Features.Set(trace);
        }
    }

    /// <summary>The request's: the host's, the caller's, or, where nobody has begun one, its own.</summary>
    internal static string Of(HttpContext http)
    {
        if (http.Features.Get<Trace>() is not { } trace)
        {
            trace = Activity.Current is { TraceId: var current } ? new Trace(current.ToHexString())
                : Read(http.Request.Headers.TraceParent) ?? new Trace(ActivityTraceId.CreateRandom().ToHexString());
            http.Features.Set(trace);
        }
        return trace.Id;
    }

    private static Trace? Read(string? traceParent) =>
        ActivityContext.TryParse(traceParent, traceState: null, out var trace) ? new Trace(trace.TraceId.ToHexString()) : null;

    private sealed record Trace(string Id);
}

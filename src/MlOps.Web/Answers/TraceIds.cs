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
        if (ActivityContext.TryParse(traceParent, traceState: null, out var trace))
        {
            http.Features.Set(new Trace(trace.TraceId.ToHexString()));
        }
    }

    internal static string Of(HttpContext http) =>
        http.Features.Get<Trace>()?.Id ?? Activity.Current?.TraceId.ToHexString() ?? http.TraceIdentifier;

    private sealed record Trace(string Id);
}

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;
using MlOps.Web.Access;

namespace MlOps.Web;

/// <summary>Puts what a route decides into the audit trail: before it is done, and how it ended.</summary>
internal static class Auditing
{
    private static readonly object Change = new();

    /// <param name="route">The route.</param>
    /// <param name="action">What is decided there, in a word.</param>
    public static RouteHandlerBuilder Audited(this RouteHandlerBuilder route, string action) =>
        route.AddEndpointFilter((context, next) => RecordAsync(action, context, next)).WithMetadata(new AuditedAction(action));

    /// <summary>Tells the trail what is changed from what to what.</summary>
    public static void Tell(HttpContext http, string? from, string? to) => http.Items[Change] = new Told(from, to);

    private sealed record Told(string? From, string? To);

    private static async ValueTask<object?> RecordAsync(string action, EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        var trail = http.RequestServices.GetRequiredService<AuditTrail>();
        var entry = await trail.BeginAsync(Callers.NameOf(http.User) ?? "nobody", action, http.Request.Path.Value!.TrimStart('/'), http.RequestAborted);
        object? answer;
        try
        {
            answer = await next(context);
        }
        catch (Exception fault)
        {
            // Whoever asked may have hung up, and the trail is to be written all the same.
            await trail.EndAsync(
                fault is InputException or BadHttpRequestException
                    ? entry with { Outcome = AuditOutcome.Refused, Detail = fault.Message }
                    : entry with { Outcome = AuditOutcome.Failed, From = (http.Items[Change] as Told)?.From, Detail = FaultText.Of(fault) },
                CancellationToken.None);
            throw;
        }
        var status = (answer as IStatusCodeHttpResult)?.StatusCode ?? StatusCodes.Status200OK;
        var (from, to) = http.Items[Change] as Told ?? new Told(null, null);
        await trail.EndAsync(
            status < StatusCodes.Status400BadRequest
                ? entry with { Outcome = AuditOutcome.Done, From = from, To = to }
                : entry with { Outcome = AuditOutcome.Refused, Detail = (answer as ProblemHttpResult)?.ProblemDetails.Detail },
            CancellationToken.None);
        return answer;
    }
}

/// <summary>What of a route stands in the audit trail.</summary>
internal sealed record AuditedAction(string Action);

using System.ComponentModel;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Tracking;

namespace MlOps.Web;

/// <summary>Who decided what.</summary>
public static class AuditApi
{
    public static async Task<IResult> ListAsync(
        [Description(PageQuery.TakeWords)] string? take, [Description(PageQuery.NextWords)] string? next, AuditTrail trail, CancellationToken cancel)
    {
        var query = PageQuery.Of(take, next);
        var page = await trail.ListAsync(query.Take, query.Next, cancel);
        return TypedResults.Ok(new AuditList(page.Items, page.Next));
    }
}

/// <summary>The audit trail, newest first.</summary>
/// <param name="Entries">This page of it.</param>
/// <param name="Next">Where the list goes on; left out at its end.</param>
public sealed record AuditList(IReadOnlyList<AuditEntry> Entries, string? Next);

using System.ComponentModel;
using System.Text;
using Microsoft.AspNetCore.Http;
using MlOps.Serving.Lineage;

namespace MlOps.Web;

/// <summary>What something comes from, and what comes from it.</summary>
public static class LineageApi
{
    private const int LongestId = 400;

    public static async Task<IResult> GetAsync(
        [Description("run, version, dataset, file or predictions.")] string kind,
        [Description("What the lineage is of: a run's id, model@3, model@name, model/file, or model/2026/11/26/10.")] string id,
        [Description("mermaid: a flowchart as text; JSON when left out.")] string? format,
        LineageReader reader,
        CancellationToken cancel)
    {
        if (format is not (null or "json" or "mermaid"))
        {
            return HttpProblems.BadRequest($"format is '{format}'; it must be json or mermaid.");
        }
        // Slashes of a path that is matched to its end come as they are, those that were escaped too.
        var name = Uri.UnescapeDataString(id);
        if (name.Length > LongestId || await LineageQuery.FindAsync(reader, kind, name, cancel) is not { } graph)
        {
            return HttpProblems.NotFound($"There is no {kind} '{id}', or no run had it. A lineage is of {LineageQuery.Words}.");
        }
        return format == "mermaid" ? TypedResults.Text(graph.ToMermaid(), "text/plain", Encoding.UTF8) : TypedResults.Ok(graph);
    }
}

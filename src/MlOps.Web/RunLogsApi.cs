using System.ComponentModel;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Web;

/// <summary>What a run's stages say, and that something about a run has changed, while it happens.</summary>
public static class RunLogsApi
{
    /// <summary>Names the byte of the log that the next part begins with.</summary>
    public const string NextHeader = "Log-Next";

    /// <summary>Answers with the lines of a stage's log, from some byte on.</summary>
    public static async Task<IResult> GetAsync(
        string id,
        string stage,
        [Description("Bytes to leave out: what header Log-Next of an earlier answer says. 0 when left out.")] string? from,
        HttpResponse response,
        RunStore runs,
        StageLogs logs,
        CancellationToken cancel)
    {
        if (!Names.IsRun(id) || await runs.FindAsync(id, cancel) is null)
        {
            return RunsApi.Unknown(id);
        }
        if (!IsStage(stage))
        {
            return HttpProblems.NotFound($"There is no stage '{stage}'. GET {Links.Run(id)} shows the stages of this run.");
        }
        long start = 0;
        if (from is not null && !(long.TryParse(from, NumberStyles.None, CultureInfo.InvariantCulture, out start) && start >= 0))
        {
            return HttpProblems.BadRequest($"from is '{from}'; it must be a number of bytes, 0 or more, as header {NextHeader} of an earlier answer says.");
        }
        var part = await logs.ReadAsync(id, stage, start, cancel);
        response.Headers[NextHeader] = part.Next.ToString(CultureInfo.InvariantCulture);
        response.Headers.CacheControl = "no-store";
        return TypedResults.Text(part.Text, "text/plain; charset=utf-8");
    }

    /// <summary>
    /// Tells, as server-sent events, what a run is at: once at first, then whenever something about it has changed, at its end for the last time. What has
    /// changed is asked for by the other routes.
    /// </summary>
    public static async Task<IResult> GetEventsAsync(
        string id, HttpContext http, RunStore runs, RunWatch watch, WebOptions options, CancellationToken cancel)
    {
        if (!Names.IsRun(id) || await runs.FindAsync(id, cancel) is null)
        {
            return RunsApi.Unknown(id);
        }
        if (!options.HasEvents)
        {
            return HttpProblems.Of(
                StatusCodes.Status501NotImplemented,
                [$"This host has no streams of events, as each would hold one of its calls. Ask GET {Links.Run(id)} every second or so instead."]);
        }
        http.Response.Headers.CacheControl = "no-store";
        return TypedResults.ServerSentEvents(watch.FollowAsync(id, cancel), RunWatch.EventType);
    }

    internal static bool IsStage(string name) => PipelineStages.All.Any(stage => stage.Name == name);
}

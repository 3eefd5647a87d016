using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;

namespace MlOps.Web;

/// <summary>What a person may do to a run. Each answer is 202: the engine acts on its own.</summary>
public static class RunActionsApi
{
    private const int LongestReason = 2000;

    public static Task<IResult> ApproveAsync(string id, RunStore runs, IPipelineEngine engine, CancellationToken cancel) =>
        DecideAsync(id, TrainingPipeline.Approved, runs, engine, cancel);

    public static async Task<IResult> RejectAsync(string id, HttpRequest request, RunStore runs, IPipelineEngine engine, WebOptions options, CancellationToken cancel)
    {
        var reason = (await JsonBody.ReadAsync(request, options, ReadReason, cancel) ?? "no reason given").Trim();
        // The engine carries one text for both decisions.
        return reason is TrainingPipeline.Approved or ""
            ? HttpProblems.BadRequest($"reason is '{reason}'; it must say why the model is rejected. To let it pass, POST {Links.Run(id)}/approve.")
            : await DecideAsync(id, reason, runs, engine, cancel);
    }

    public static async Task<IResult> CancelAsync(string id, HttpRequest request, RunStore runs, IPipelineEngine engine, WebOptions options, CancellationToken cancel)
    {
        var reason = await JsonBody.ReadAsync(request, options, ReadReason, cancel) ?? "cancelled over HTTP";
        if (await FindAsync(id, runs, cancel) is not { } run)
        {
            return RunsApi.Unknown(id);
        }
        if (run.HasEnded)
        {
            return HttpProblems.Conflict($"Run '{id}' has ended already: it is {Word(run)}.");
        }
        await engine.CancelAsync(id, reason, cancel);
        return await AcceptedAsync(run, runs, cancel);
    }

    /// <summary>Starts a new run of the same source and definition.</summary>
    public static async Task<IResult> RetryAsync(string id, RunStore runs, RunStarter starter, CancellationToken cancel)
    {
        if (await FindAsync(id, runs, cancel) is not { } run)
        {
            return RunsApi.Unknown(id);
        }
        if (!run.HasEnded)
        {
            return HttpProblems.Conflict($"Run '{id}' is still {Word(run)}. Wait until it has ended, or POST {Links.Run(id)}/cancel first.");
        }
        var again = await starter.RetryAsync(run, cancel);
        return TypedResults.Accepted(Links.Run(again.RunId), RunView.Of(again));
    }

    private static async Task<IResult> DecideAsync(string id, string decision, RunStore runs, IPipelineEngine engine, CancellationToken cancel)
    {
        if (await FindAsync(id, runs, cancel) is not { } run)
        {
            return RunsApi.Unknown(id);
        }
        if (run.State != RunState.Waiting)
        {
            return HttpProblems.Conflict($"Run '{id}' does not wait for a decision: it is {Word(run)}.");
        }
        await engine.SignalAsync(id, TrainingPipeline.ApprovalEvent, decision, cancel);
        return await AcceptedAsync(run, runs, cancel);
    }

    private static async Task<IResult> AcceptedAsync(Run run, RunStore runs, CancellationToken cancel) =>
        TypedResults.Accepted(Links.Run(run.RunId), RunView.Of(await runs.FindAsync(run.RunId, cancel) ?? run));

    private static async Task<Run?> FindAsync(string id, RunStore runs, CancellationToken cancel) => Names.IsRun(id) ? await runs.FindAsync(id, cancel) : null;

    private static string? ReadReason(JsonReader body)
    {
        var reason = body.Text("reason");
        if (reason?.Length > LongestReason)
        {
            body.Problem("reason", $"has {reason.Length} characters; {LongestReason} are the most.");
        }
        return reason;
    }

    private static string Word(Run run) => run.State.ToString().ToLowerInvariant();
}

/// <summary>Why a run is rejected or cancelled.</summary>
public sealed record ReasonRequest(string? Reason);

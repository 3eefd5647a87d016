using Microsoft.AspNetCore.Http;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using MlOps.Web.Access;

namespace MlOps.Web;

/// <summary>What a person may do to a run. Each answer is 202: the engine acts on its own.</summary>
public static class RunActionsApi
{
    private const int LongestReason = 2000;
    private const int LongestName = 200;

    public static Task<IResult> ApproveAsync(
        string id, HttpRequest request, RunStore runs, RunDecisions decisions, InputLimits limits, CancellationToken cancel) =>
        DecideAsync(id, approved: true, request, runs, decisions, limits, cancel);

    public static Task<IResult> RejectAsync(
        string id, HttpRequest request, RunStore runs, RunDecisions decisions, InputLimits limits, CancellationToken cancel) =>
        DecideAsync(id, approved: false, request, runs, decisions, limits, cancel);

    public static async Task<IResult> CancelAsync(
        string id, HttpRequest request, RunStore runs, RunDecisions decisions, InputLimits limits, CancellationToken cancel)
    {
        var reason = await JsonBody.ReadAsync(request, limits, body => ReadText(body, "reason", LongestReason), cancel) ?? "cancelled over HTTP";
        if (await FindAsync(id, runs, cancel) is not { } run)
        {
            return RunsApi.Unknown(id);
        }
        if (run.HasEnded)
        {
            return HttpProblems.Conflict($"Run '{id}' has ended already: it is {Word(run)}.");
        }
        await decisions.CancelAsync(run, reason, cancel);
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

    private static async Task<IResult> DecideAsync(
        string id, bool approved, HttpRequest request, RunStore runs, RunDecisions decisions, InputLimits limits, CancellationToken cancel)
    {
        var body = await JsonBody.ReadAsync(
            request, limits, body => new DecisionRequest(ReadText(body, "by", LongestName), ReadText(body, "reason", LongestReason)), cancel);
        if (await FindAsync(id, runs, cancel) is not { } run)
        {
            return RunsApi.Unknown(id);
        }
        if (run.State != RunState.Waiting)
        {
            return HttpProblems.Conflict($"Run '{id}' does not wait for a decision: it is {Word(run)}.");
        }
        Auditing.Tell(request.HttpContext, Word(run), approved ? "approved" : "rejected");
        // Who has proved a name decides under it; others may say one.
        var by = Callers.IsProven(request.HttpContext.User) ? Callers.NameOf(request.HttpContext.User) : body.By;
        await decisions.DecideAsync(run, approved, by, body.Reason ?? (approved ? null : "no reason given"), cancel);
        return await AcceptedAsync(run, runs, cancel);
    }

    private static async Task<IResult> AcceptedAsync(Run run, RunStore runs, CancellationToken cancel) =>
        TypedResults.Accepted(Links.Run(run.RunId), RunView.Of(await runs.FindAsync(run.RunId, cancel) ?? run));

    private static async Task<Run?> FindAsync(string id, RunStore runs, CancellationToken cancel) => Names.IsRun(id) ? await runs.FindAsync(id, cancel) : null;

    private static string? ReadText(JsonReader body, string key, int longest)
    {
        var text = body.Text(key)?.Trim();
        if (text?.Length is 0)
        {
            body.Problem(key, "is empty; leave it out or say something.");
        }
        if (text?.Length > longest)
        {
            body.Problem(key, $"has {text.Length} characters; {longest} are the most.");
        }
        return text;
    }

    private static string Word(Run run) => run.State.ToString().ToLowerInvariant();
}

/// <summary>A decision about a run that waits: by whom and why.</summary>
public sealed record DecisionRequest(string? By, string? Reason);

/// <summary>Why a run is cancelled.</summary>
public sealed record ReasonRequest(string? Reason);

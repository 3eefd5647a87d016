using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using MlOps.Pipeline.Contracts;
using MlOps.Web;

namespace MlOps.Functions.Triggers;

/// <summary>
/// A started run, answered as in the local host, with what Durable Functions answers beside it: <c>id</c> and the addresses to ask for the
/// instance's status, to send it events, to suspend and to end it.
/// </summary>
internal static class StartedRun
{
    public static IResult Of(IResult answer, DurableTaskClient client)
    {
        if (answer is not Accepted<RunView> { Value: { } run, Location: { } location })
        {
            return answer;
        }
        var urls = client.CreateHttpManagementPayload(run.RunId);
        var body = JsonSerializer.SerializeToNode(run, Json.Options)!.AsObject();
        body["id"] = run.RunId;
        foreach (var (name, url) in new (string, string?)[]
        {
            ("statusQueryGetUri", urls.StatusQueryGetUri),
            ("sendEventPostUri", urls.SendEventPostUri),
            ("terminatePostUri", urls.TerminatePostUri),
            ("suspendPostUri", urls.SuspendPostUri),
            ("resumePostUri", urls.ResumePostUri),
            ("purgeHistoryDeleteUri", urls.PurgeHistoryDeleteUri),
        })
        {
            body[name] = url;
        }
        return TypedResults.Accepted(location, body);
    }
}

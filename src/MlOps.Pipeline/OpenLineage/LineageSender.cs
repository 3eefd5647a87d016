using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Logging;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.OpenLineage;

/// <summary>
/// Tells a receiver when runs began and how they ended. It looks at rows, not at what a run does just now: so a run never waits for it, and one whose process
/// was killed is told of like any other. What was not taken is sent again later. An event whose answer was lost is sent again too, the same one: receivers
/// know it by its run, type and time, and a run whose end is missing would seem to go on for ever.
/// </summary>
public sealed partial class LineageSender(
    LineageOutbox outbox, LineageEvents events, RunStore runs, IHttpClientFactory clients, OpenLineageOptions options, TimeProvider time,
    ILogger<LineageSender> logger)
{
    /// <summary>The HTTP client's name, for the factory.</summary>
    public const string ClientName = "openlineage";

    private const int MostFailures = 3;

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    /// <summary>A row that leads to no run belongs to a start that may be still going on.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromDays(1);

    private TimeSpan pause = TimeSpan.Zero;
    private DateTimeOffset notBefore = DateTimeOffset.MinValue;

    /// <summary>Whether there is a receiver.</summary>
    public bool IsOn => options.Endpoint is not null;

    /// <summary>Tells what there is to tell; returns how many events were taken. What goes wrong with the receiver is not thrown.</summary>
    public async Task<int> SendDueAsync(CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        if (!IsOn || (now < notBefore && notBefore - now <= LongestPause))
        {
            return 0;
        }
        var (taken, failures, problem) = (0, 0, "");
        foreach (var waiting in await outbox.ReadAsync(now, cancel))
        {
            var (sent, refused) = await SendAsync(waiting, cancel);
            taken += sent;
            if (refused is not null && ++failures == MostFailures)
            {
                problem = refused;
                break;
            }
            problem = refused ?? problem;
        }
        Rest(failures, problem);
        return taken;
    }

    private void Rest(int failures, string problem)
    {
        if (failures == 0)
        {
            (pause, notBefore) = (TimeSpan.Zero, DateTimeOffset.MinValue);
            return;
        }
        if (pause == TimeSpan.Zero)
        {
            LogWaiting(problem);
        }
        pause = pause == TimeSpan.Zero ? options.FirstPause : pause * 2 < LongestPause ? pause * 2 : LongestPause;
        notBefore = time.GetUtcNow() + pause;
    }

    private async Task<(int Sent, string? Refused)> SendAsync(WaitingRun waiting, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var run = await runs.FindAsync(waiting.RunId, cancel);
        if (run is null || LineageEvents.BegunAt(run) is null)
        {
            if (run is { HasEnded: true } || (run is null && now - waiting.Noted > Settled))
            {
                // It ended before it began, or there is none: nothing is told of it.
                await outbox.RemoveAsync(waiting.RunId, cancel);
            }
            return (0, null);
        }
        if ((waiting.Begun && !run.HasEnded) || !await outbox.TryClaimAsync(waiting, now, cancel))
        {
            return (0, null);
        }
        var (sent, refused) = (0, default(string));
        foreach (var moment in run.HasEnded ? new[] { LineageMoment.Start, LineageMoment.End } : [LineageMoment.Start])
        {
            if (refused is null && await outbox.FindAsync(run.RunId, moment, cancel) is null)
            {
                refused = await SendAsync(run, moment, cancel);
                sent += refused is null ? 1 : 0;
            }
        }
        if (run.HasEnded && refused is null)
        {
            await outbox.RemoveAsync(run.RunId, cancel);
        }
        else
        {
            await outbox.ReleaseAsync(run.RunId, await outbox.FindAsync(run.RunId, LineageMoment.Start, cancel) is not null, cancel);
        }
        return (sent, refused);
    }

    /// <summary>Null when it need not be sent any more, else why it was not taken.</summary>
    private async Task<string?> SendAsync(Run run, LineageMoment moment, CancellationToken cancel)
    {
        var (type, at, body) = await events.WriteAsync(run, moment, cancel);
        var (problem, isFinal) = await PostAsync(body, cancel);
        if (problem is not null && !isFinal && time.GetUtcNow() - at <= options.KeepTrying)
        {
            return problem;
        }
        if (problem is not null)
        {
            LogLost(run.RunId, type, problem);
        }
        await outbox.RecordAsync(run.RunId, moment, new ToldEvent(type, at, problem), cancel);
        return null;
    }

    private async Task<(string? Problem, bool IsFinal)> PostAsync(string body, CancellationToken cancel)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        late.CancelAfter(options.Timeout);
        try
        {
            using var http = clients.CreateClient(ClientName);
            using var request = new HttpRequestMessage(HttpMethod.Post, options.Endpoint);
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
            request.Headers.Authorization = options.ApiKey is { } key ? new AuthenticationHeaderValue("Bearer", key) : null;
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, late.Token);
            // What is not understood now will not be later; an address, a key or a receiver may be put right.
            var isFinal = answer.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge or HttpStatusCode.UnprocessableEntity;
            return answer.IsSuccessStatusCode ? (null, false) : ($"The receiver answered {(int)answer.StatusCode}.", isFinal);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return ("The receiver did not answer in time.", false);
        }
        catch (HttpRequestException fault)
        {
            return ($"The receiver could not be reached ({fault.HttpRequestError}).", false);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "OpenLineage events are not taken, and are sent again later: {Problem}")]
    private partial void LogWaiting(string problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Run {RunId}: its OpenLineage event {Type} is lost: {Problem}")]
    private partial void LogLost(string runId, string type, string problem);
}

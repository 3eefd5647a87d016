using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MlOps.Testing;

/// <summary>What collects OpenLineage events: answers on 127.0.0.1 as Marquez does, or as it does on a bad day.</summary>
public sealed class LineageReceiver : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly CancellationTokenSource stopping = new();
    private int calls;

    private LineageReceiver(WebApplication app) => this.app = app;

    /// <summary>Says what call number n, from 1, is answered with; never: -1.</summary>
    public Func<int, JsonNode, int> Answer { get; set; } = (_, _) => 201;

    /// <summary>Events that were taken.</summary>
    public ConcurrentQueue<JsonNode> Taken { get; } = new();

    /// <summary>What the last call said in its header Authorization.</summary>
    public string? Authorization { get; private set; }

    public int Calls => calls;

    public Uri Url => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public static async Task<LineageReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var receiver = new LineageReceiver(builder.Build());
        receiver.app.MapPost("/api/v1/lineage", receiver.TakeAsync);
        await receiver.app.StartAsync();
        return receiver;
    }

    /// <summary>The types of the events of a run, in the order in which they came.</summary>
    public IReadOnlyList<string> TypesOf(Guid run) =>
        [.. Taken.Where(taken => (string)taken["run"]!["runId"]! == run.ToString()).Select(taken => (string)taken["eventType"]!)];

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await app.DisposeAsync();
        stopping.Dispose();
    }

    private async Task TakeAsync(HttpContext context)
    {
        var taken = (await JsonNode.ParseAsync(context.Request.Body))!;
        Authorization = context.Request.Headers.Authorization;
        var answer = Answer(Interlocked.Increment(ref calls), taken);
        if (answer < 0)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token, context.RequestAborted);
            await Task.Delay(Timeout.Infinite, either.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            return;
        }
        if (answer is >= 200 and < 300)
        {
            Taken.Enqueue(taken);
        }
        context.Response.StatusCode = answer;
    }
}

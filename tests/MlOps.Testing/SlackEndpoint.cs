using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MlOps.Testing;

/// <summary>The network's far side: answers on 127.0.0.1 as Slack does, or as it does on a bad day.</summary>
public sealed class SlackEndpoint : IAsyncDisposable
{
    public const string Secret = "T0SECRET-webhook-path";

    private readonly WebApplication app;
    private readonly CancellationTokenSource stopping = new();

    private SlackEndpoint(WebApplication app) => this.app = app;

    /// <summary>Answers call number n, from 1; the default takes every message.</summary>
    public Func<int, HttpContext, CancellationToken, Task> Answer { get; set; } = (_, _, _) => Task.CompletedTask;

    public ConcurrentQueue<(JsonElement Message, DateTimeOffset At)> Calls { get; } = new();

    public Uri Url =>
        new(new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()), $"/services/{Secret}");

    public static async Task<SlackEndpoint> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var endpoint = new SlackEndpoint(builder.Build());
        endpoint.app.MapPost("/services/{secret}", async (HttpContext context) =>
        {
            using var message = await JsonDocument.ParseAsync(context.Request.Body);
            endpoint.Calls.Enqueue((message.RootElement.Clone(), DateTimeOffset.UtcNow));
            await endpoint.Answer(endpoint.Calls.Count, context, endpoint.stopping.Token);
        });
        await endpoint.app.StartAsync();
        return endpoint;
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await app.DisposeAsync();
        stopping.Dispose();
    }
}

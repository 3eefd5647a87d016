using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Azure.Core;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MlOps.Local.Hosting;
using MlOps.Pipeline.Alerts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Serving.Monitoring;
using MlOps.Testing;

namespace MlOps.Local.Tests.Faults;

/// <summary>A whole host in this process, HTTP included, whose way to storage goes through a proxy.</summary>
internal sealed class FaultedHost : IAsyncDisposable
{
    private readonly LocalStorage storage;
    private readonly LocalHost host;

    private FaultedHost(LocalStorage storage, LocalHost host)
    {
        (this.storage, this.host) = (storage, host);
        Http = new HttpClient { BaseAddress = host.Url, Timeout = TimeSpan.FromMinutes(3) };
    }

    public HttpClient Http { get; }

    /// <param name="proxy">Its way to storage.</param>
    /// <param name="folder">Its data folder.</param>
    /// <param name="slack">Where its alerts go.</param>
    /// <param name="clients">How it asks storage; null: as the product does.</param>
    public static async Task<FaultedHost> StartAsync(StorageProxy proxy, string folder, Uri slack, Action<ClientOptions>? clients = null)
    {
        var settings = new HostSettings
        {
            Port = 0,
            DataFolder = folder,
            Storage = proxy.ConnectionString,
            Services = services =>
            {
                services.AddLogging(logging => logging.ClearProviders())
                    .AddSingleton(new AlertOptions { SlackWebhookUrl = slack, FirstDelay = TimeSpan.FromMilliseconds(10) })
                    .AddSingleton(new PredictionLogOptions
                    {
                        WriteEvery = TimeSpan.FromMilliseconds(300),
                        RetryAfter = TimeSpan.FromMilliseconds(200),
                    });
                if (clients is not null)
                {
                    services.AddSingleton(Connect(proxy.ConnectionString, clients));
                }
            },
        };
        var storage = await LocalStorage.OwnAsync(settings, _ => { }, CancellationToken.None);
        return new FaultedHost(storage, await LocalHost.StartAsync(settings, storage, HostParts.All, CancellationToken.None));
    }

    /// <summary>Asks again as often as a host does, but does not wait as long: a test is over sooner, and meets the same.</summary>
    public static void Impatient(ClientOptions options)
    {
        options.Retry.Delay = TimeSpan.FromMilliseconds(50);
        options.Retry.NetworkTimeout = TimeSpan.FromSeconds(2);
    }

    /// <summary>
    /// An answer of 2xx, however often it has to be asked for: a caller may be told that storage does not answer (503), and nothing else.
    /// </summary>
    public async Task<JsonElement> InsistAsync(Func<HttpRequestMessage> ask)
    {
        while (true)
        {
            if (await TryAsync(ask) is { } answer)
            {
                return answer;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(100));
        }
    }

    /// <summary>An answer of 2xx; null when storage did not answer.</summary>
    public async Task<JsonElement?> TryAsync(Func<HttpRequestMessage> ask)
    {
        using var request = ask();
        using var answer = await Http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
        {
            return null;
        }
        return answer.IsSuccessStatusCode
            ? JsonDocument.Parse(text).RootElement
            : throw new HttpRequestException($"{request.Method} {request.RequestUri}: {(int)answer.StatusCode} {text}", null, answer.StatusCode);
    }

    public static Func<HttpRequestMessage> Get(string path) => () => new HttpRequestMessage(HttpMethod.Get, path);

    public static Func<HttpRequestMessage> Put(string path, byte[] content) =>
        () => new HttpRequestMessage(HttpMethod.Put, path) { Content = new ByteArrayContent(content) };

    public static Func<HttpRequestMessage> Put(PipelineDefinition definition) =>
        () => new HttpRequestMessage(HttpMethod.Put, $"/pipelines/{definition.Model}") { Content = new StringContent(DefinitionJson.Write(definition)) };

    public static Func<HttpRequestMessage> Send(HttpMethod method, string path, object body) =>
        () => new HttpRequestMessage(method, path) { Content = JsonContent.Create(body) };

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await host.DisposeAsync();
        await storage.DisposeAsync();
    }

    private static PipelineStorage Connect(string connection, Action<ClientOptions> configure)
    {
        var (blobs, tables) = (new BlobClientOptions(), new TableClientOptions());
        configure(blobs);
        configure(tables);
        return new PipelineStorage(new BlobServiceClient(connection, blobs), new TableServiceClient(connection, tables));
    }
}

using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Data;

namespace MlOps.Testing;

/// <summary>The way to real storage, which can be closed as if the network were down.</summary>
public sealed class StorageGate(string connection) : HttpMessageHandler, IAsyncDisposable
{
    private readonly HttpMessageInvoker inner = new(new SocketsHttpHandler());
    private volatile bool isClosed;

    public void Close() => isClosed = true;

    public void Open() => isClosed = false;

    public PipelineStorage NewStorage()
    {
        var (blobs, tables) = (new BlobClientOptions(), new TableClientOptions());
        foreach (ClientOptions options in new ClientOptions[] { blobs, tables })
        {
            options.Retry.MaxRetries = 0;
            options.Transport = new HttpClientTransport(this);
        }
        return new PipelineStorage(new BlobServiceClient(connection, blobs), new TableServiceClient(connection, tables));
    }

    public ValueTask DisposeAsync()
    {
        inner.Dispose();
        return ValueTask.CompletedTask;
    }

    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
        isClosed ? throw Down() : inner.Send(request, cancellationToken);

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        isClosed ? throw Down() : inner.SendAsync(request, cancellationToken);

    private static HttpRequestException Down() => new("The gate is closed.");
}

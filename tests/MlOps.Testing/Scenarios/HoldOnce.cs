using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Data;

namespace MlOps.Testing.Scenarios;

/// <summary>The fixture's storage, but one request hangs until it is let go: the moment in which a host can be killed, or another be faster.</summary>
/// <param name="isIt">Whether to hold a request, by its method and path; asked no more once one was held.</param>
public sealed class HoldOnce(Func<string, string, bool> isIt) : HttpPipelinePolicy
{
    private readonly TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource letGo = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock asking = new();
    private bool found;

    /// <summary>Ends when a request hangs.</summary>
    public Task Held => held.Task.WaitAsync(TimeSpan.FromMinutes(2));

    public void LetGo() => letGo.TrySetResult();

    public PipelineStorage Storage(AzuriteFixture azurite)
    {
        var (blobs, tables) = (new BlobClientOptions(), new TableClientOptions());
        blobs.AddPolicy(this, HttpPipelinePosition.PerCall);
        tables.AddPolicy(this, HttpPipelinePosition.PerCall);
        return new PipelineStorage(new BlobServiceClient(azurite.ConnectionString, blobs), new TableServiceClient(azurite.ConnectionString, tables));
    }

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        if (IsIt(message.Request))
        {
            held.TrySetResult();
            await letGo.Task;
        }
        await ProcessNextAsync(message, pipeline);
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => ProcessNext(message, pipeline);

    private bool IsIt(Request request)
    {
        lock (asking)
        {
            return !found && (found = isIt(request.Method.Method, request.Uri.ToUri().AbsolutePath));
        }
    }
}

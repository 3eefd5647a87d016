using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Data;

namespace MlOps.Testing.Scenarios;

/// <summary>The fixture's storage, but the first blob request that matches hangs until it is let go: the moment in which a host can be killed.</summary>
public sealed class HoldOnce(string method, string pathPart) : HttpPipelinePolicy
{
    private readonly TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource letGo = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int seen;

    /// <summary>Ends when a request hangs.</summary>
    public Task Held => held.Task.WaitAsync(TimeSpan.FromMinutes(2));

    public void LetGo() => letGo.TrySetResult();

    public PipelineStorage Storage(AzuriteFixture azurite)
    {
        var options = new BlobClientOptions();
        options.AddPolicy(this, HttpPipelinePosition.PerCall);
        return new PipelineStorage(new BlobServiceClient(azurite.ConnectionString, options), new TableServiceClient(azurite.ConnectionString));
    }

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        if (message.Request.Method.Method == method && message.Request.Uri.ToUri().AbsolutePath.Contains(pathPart, StringComparison.Ordinal) && Interlocked.Increment(ref seen) == 1)
        {
            held.TrySetResult();
            await letGo.Task;
        }
        await ProcessNextAsync(message, pipeline);
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => ProcessNext(message, pipeline);
}

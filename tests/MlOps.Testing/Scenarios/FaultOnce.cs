using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Data;

namespace MlOps.Testing.Scenarios;

/// <summary>The fixture's storage, but the first blob request that matches fails, as if the service were busy.</summary>
public sealed class FaultOnce(string method, string pathPart) : HttpPipelineSynchronousPolicy
{
    private int seen;

    public bool HasFailed => Volatile.Read(ref seen) > 0;

    public PipelineStorage Storage(AzuriteFixture azurite)
    {
        var options = new BlobClientOptions();
        options.AddPolicy(this, HttpPipelinePosition.PerCall);
        return new PipelineStorage(new BlobServiceClient(azurite.ConnectionString, options), new TableServiceClient(azurite.ConnectionString));
    }

    public override void OnSendingRequest(HttpMessage message)
    {
        var matches = message.Request.Method.Method == method && message.Request.Uri.ToUri().AbsolutePath.Contains(pathPart, StringComparison.Ordinal);
        if (matches && Interlocked.Increment(ref seen) == 1)
        {
            throw new RequestFailedException(503, "The service was busy, says the test.");
        }
    }
}

using System.Collections.Concurrent;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Data;

namespace MlOps.Testing.Scenarios;

/// <summary>A network that loses one answer: storage has done what it was asked, and the client does not learn of it.</summary>
/// <param name="isIt">Whether it is this request's answer, by method and path.</param>
public sealed class AnswerLost(Func<string, string, bool> isIt) : HttpPipelinePolicy
{
    private readonly ConcurrentQueue<int> statuses = new();
    private int lost;

    /// <summary>How many answers were lost: 0 or 1.</summary>
    public int Lost => Volatile.Read(ref lost);

    /// <summary>What storage answered to such requests, the lost answer first.</summary>
    public IReadOnlyCollection<int> Statuses => statuses;

    /// <param name="azurite">The storage.</param>
    /// <param name="retries">How often the client itself asks again.</param>
    public PipelineStorage Storage(AzuriteFixture azurite, int retries = 1)
    {
        var (blobs, tables) = (new BlobClientOptions(), new TableClientOptions());
        foreach (ClientOptions options in new ClientOptions[] { blobs, tables })
        {
            options.Retry.MaxRetries = retries;
            options.Retry.Delay = TimeSpan.FromMilliseconds(1);
            options.AddPolicy(this, HttpPipelinePosition.PerRetry);
        }
        return new PipelineStorage(new BlobServiceClient(azurite.ConnectionString, blobs), new TableServiceClient(azurite.ConnectionString, tables));
    }

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        await ProcessNextAsync(message, pipeline);
        if (!isIt(message.Request.Method.Method, message.Request.Uri.ToUri().AbsolutePath))
        {
            return;
        }
        statuses.Enqueue(message.Response.Status);
        if (Interlocked.CompareExchange(ref lost, 1, 0) == 0)
        {
            throw new RequestFailedException("The answer was lost on its way.");
        }
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => ProcessNext(message, pipeline);
}

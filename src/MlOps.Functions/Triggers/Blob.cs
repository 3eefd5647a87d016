using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using MlOps.Functions.Durable;
using MlOps.Serving.Triggers;

namespace MlOps.Functions.Triggers;

/// <summary>
/// Files that land in container <c>raw</c>, told by Event Grid, or found by looking where there is none (Azurite). One of the two is switched
/// off by a setting; were both on, a file would still start one run.
/// </summary>
public sealed class Blob(DurableCall call)
{
    [Function(nameof(TakeRawFile))]
    public Task TakeRawFile(
        [BlobTrigger("raw/{name}", Source = BlobTriggerSource.EventGrid, Connection = "AzureWebJobsStorage")] BlobClient blob,
        [DurableClient] DurableTaskClient client,
        CancellationToken cancel) =>
        TakeAsync(blob, client, cancel);

    [Function(nameof(TakePolledRawFile))]
    public Task TakePolledRawFile(
        [BlobTrigger("raw/{name}", Connection = "AzureWebJobsStorage")] BlobClient blob, [DurableClient] DurableTaskClient client, CancellationToken cancel) =>
        TakeAsync(blob, client, cancel);

    private async Task TakeAsync(BlobClient blob, DurableTaskClient client, CancellationToken cancel)
    {
        BlobProperties properties = await blob.GetPropertiesAsync(cancellationToken: cancel);
        await call.Get<RawFileIntake>(client).TakeAsync(new RawFile(blob.Name, properties.ETag, properties.LastModified), cancel);
    }
}

using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using MlOps.Pipeline.Data;

namespace MlOps.Serving.Monitoring;

/// <summary>How blobs of the log are deleted.</summary>
internal static class LogDeletions
{
    /// <summary>Deletes a blob that no longer counts, also where somebody has a lease of it: its rows stand elsewhere.</summary>
    public static async Task DeleteLeasedAsync(this BlobContainerClient container, string name, CancellationToken cancel)
    {
        var blob = container.GetBlobClient(name);
        try
        {
            await blob.DeleteIfExistsAsync(DeleteSnapshotsOption.IncludeSnapshots, conditions: null, cancel);
        }
        catch (RequestFailedException leased) when (leased.Status == 412)
        {
            await blob.GetBlobLeaseClient().BreakAsync(TimeSpan.Zero, cancellationToken: cancel).OrNullAsync();
            await blob.DeleteIfExistsAsync(DeleteSnapshotsOption.IncludeSnapshots, conditions: null, cancel);
        }
    }

    /// <summary>Deletes a blob that is still in that state; false when it is in another, or gone.</summary>
    public static async Task<bool> TryRemoveAsync(this BlobContainerClient container, string name, ETag state, CancellationToken cancel)
    {
        try
        {
            return await container.GetBlobClient(name)
                .DeleteIfExistsAsync(DeleteSnapshotsOption.IncludeSnapshots, new BlobRequestConditions { IfMatch = state }, cancel);
        }
        catch (RequestFailedException changed) when (changed.Status == 412)
        {
            return false;
        }
    }
}

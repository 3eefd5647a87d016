using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;

namespace MlOps.Pipeline.Doctor;

/// <param name="Name">Its name in the container.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Written">When it was written last.</param>
/// <param name="State">What it was when it was looked at.</param>
internal sealed record StoredBlob(string Name, long Bytes, DateTimeOffset Written, ETag? State);

/// <summary>All blobs of a container.</summary>
internal static class StoredBlobs
{
    public static async Task<IReadOnlyDictionary<string, StoredBlob>> ListAsync(BlobContainerClient container, CancellationToken cancel)
    {
        var found = new Dictionary<string, StoredBlob>(StringComparer.Ordinal);
        await foreach (var blob in container.GetBlobsAsync(cancellationToken: cancel))
        {
            found[blob.Name] = new StoredBlob(
                blob.Name, blob.Properties.ContentLength ?? 0, blob.Properties.LastModified ?? DateTimeOffset.MinValue, blob.Properties.ETag);
        }
        return found;
    }

    /// <summary>Deletes a blob unless it was written again since it was looked at: a run that works now may need it.</summary>
    public static async Task DeleteAsync(BlobContainerClient container, StoredBlob blob, CancellationToken cancel)
    {
        try
        {
            await container.GetBlobClient(blob.Name).DeleteIfExistsAsync(
                conditions: new BlobRequestConditions { IfMatch = blob.State }, cancellationToken: cancel);
        }
        catch (RequestFailedException written) when (written.Status == 412)
        {
            // Somebody's again.
        }
    }
}

using Azure.Storage.Blobs;

namespace MlOps.Pipeline.Doctor;

/// <param name="Name">Its name in the container.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Written">When it was written last.</param>
internal sealed record StoredBlob(string Name, long Bytes, DateTimeOffset Written);

/// <summary>All blobs of a container.</summary>
internal static class StoredBlobs
{
    public static async Task<IReadOnlyDictionary<string, StoredBlob>> ListAsync(BlobContainerClient container, CancellationToken cancel)
    {
        var found = new Dictionary<string, StoredBlob>(StringComparer.Ordinal);
        await foreach (var blob in container.GetBlobsAsync(cancellationToken: cancel))
        {
            found[blob.Name] = new StoredBlob(blob.Name, blob.Properties.ContentLength ?? 0, blob.Properties.LastModified ?? DateTimeOffset.MinValue);
        }
        return found;
    }
}

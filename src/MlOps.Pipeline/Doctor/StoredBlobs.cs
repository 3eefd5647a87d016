using System.Runtime.CompilerServices;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Doctor;

/// <param name="Name">Its name in the container.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Written">When it was written last.</param>
/// <param name="State">What it was when it was looked at.</param>
internal sealed record StoredBlob(string Name, long Bytes, DateTimeOffset Written, ETag? State);

/// <summary>The blobs of a container, one after the other by name.</summary>
internal static class StoredBlobs
{
    public static async IAsyncEnumerable<StoredBlob> ListAsync(
        BlobContainerClient container, string? prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var blob in container.GetBlobsAsync(default, default, prefix, cancel))
        {
            yield return new StoredBlob(
                blob.Name, blob.Properties.ContentLength ?? 0, blob.Properties.LastModified ?? DateTimeOffset.MinValue, blob.Properties.ETag);
        }
    }

    /// <summary>Those whose names begin alike up to the first slash, together: no more of a container than one folder is in memory.</summary>
    public static async IAsyncEnumerable<(string Folder, IReadOnlyList<StoredBlob> Blobs)> ListFoldersAsync(
        BlobContainerClient container, [EnumeratorCancellation] CancellationToken cancel)
    {
        var (folder, blobs) = ("", new List<StoredBlob>());
        await foreach (var blob in ListAsync(container, prefix: null, cancel))
        {
            var slash = blob.Name.IndexOf('/', StringComparison.Ordinal);
            var own = slash < 0 ? "" : blob.Name[..slash];
            if (own != folder && blobs.Count > 0)
            {
                yield return (folder, blobs);
                blobs = [];
            }
            folder = own;
            blobs.Add(blob);
        }
        if (blobs.Count > 0)
        {
            yield return (folder, blobs);
        }
    }

    /// <summary>
    /// A blob's length as it is now; null when there is none. A listing comes in pages: what is written between two of them is missing from it, though what
    /// names it is there.
    /// </summary>
    public static async Task<long?> LengthAsync(BlobContainerClient container, string name, CancellationToken cancel) =>
        (await container.GetBlobClient(name).GetPropertiesAsync(cancellationToken: cancel).OrNullAsync())?.Value.ContentLength;

    /// <summary>Deletes a blob unless it was written again since it was looked at: a run that works now may need it.</summary>
    /// <returns>False when it was, and is there still.</returns>
    public static async Task<bool> DeleteAsync(BlobContainerClient container, StoredBlob blob, CancellationToken cancel)
    {
        try
        {
            await container.GetBlobClient(blob.Name).DeleteIfExistsAsync(
                conditions: new BlobRequestConditions { IfMatch = blob.State }, cancellationToken: cancel);
            return true;
        }
        catch (RequestFailedException written) when (written.Status == 412)
        {
            return false;
        }
    }
}

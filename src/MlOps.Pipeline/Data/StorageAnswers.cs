using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;

namespace MlOps.Pipeline.Data;

/// <summary>What an expected refusal of storage means, told once.</summary>
public static class StorageAnswers
{
    /// <summary>Waits for a write that only one of several writers can do; false when another was faster (409, 412).</summary>
    public static async Task<bool> WinsAsync(this Task writing)
    {
        try
        {
            await writing;
            return true;
        }
        catch (RequestFailedException faster) when (faster.Status is 409 or 412)
        {
            return false;
        }
    }

    /// <summary>Waits for what is asked for; null when storage has none of it (404).</summary>
    public static async Task<T?> OrNullAsync<T>(this Task<T> asking)
        where T : class
    {
        try
        {
            return await asking;
        }
        catch (RequestFailedException missing) when (missing.Status == 404)
        {
            return null;
        }
    }

    /// <summary>A whole small blob; null when there is none.</summary>
    public static async Task<BinaryData?> FindContentAsync(this BlobContainerClient container, string name, CancellationToken cancel) =>
        (await DownloadAsync(container.GetBlobClient(name), cancel).OrNullAsync())?.Content;

    /// <summary>Writes a blob that is written once; false when it is there already.</summary>
    public static Task<bool> TryAddAsync(this BlobContainerClient container, string name, BinaryData content, CancellationToken cancel) =>
        container.GetBlobClient(name).UploadAsync(content, new BlobUploadOptions { Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All } }, cancel)
            .WinsAsync();

    private static async Task<BlobDownloadResult> DownloadAsync(BlobClient blob, CancellationToken cancel) => await blob.DownloadContentAsync(cancel);
}

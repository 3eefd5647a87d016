using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Data;

/// <summary>A container's blobs a page at a time, by name. Storage itself says where a list goes on.</summary>
public static class BlobPages
{
    /// <exception cref="InputException"><paramref name="next"/> is no token of this list.</exception>
    public static async Task<ListPage<BlobItem>> ListAsync(
        this BlobContainerClient container, string? prefix, int take, string? next, CancellationToken cancel)
    {
        var found = new List<BlobItem>();
        var marker = next is null ? null : PageToken.Read(next);
        try
        {
            // Storage may give fewer than asked for, and still have more.
            while (found.Count < take)
            {
                await using var pages = container.GetBlobsAsync(BlobTraits.None, BlobStates.None, prefix, cancel).AsPages(marker, take - found.Count)
                    .GetAsyncEnumerator(cancel);
                if (!await pages.MoveNextAsync())
                {
                    break;
                }
                found.AddRange(pages.Current.Values);
                marker = pages.Current.ContinuationToken;
                if (string.IsNullOrEmpty(marker))
                {
                    return new ListPage<BlobItem>(found, Next: null);
                }
            }
        }
        catch (RequestFailedException refused) when (refused.Status == 400 && next is not null)
        {
            throw PageToken.NoToken(next);
        }
        return new ListPage<BlobItem>(found, string.IsNullOrEmpty(marker) ? null : PageToken.Write(marker));
    }
}

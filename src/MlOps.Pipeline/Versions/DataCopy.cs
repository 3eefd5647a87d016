using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Versions;

/// <summary>Copies a dataset version to another storage: its parts first, then its manifest, so that it is there whole or not at all.</summary>
public static class DataCopy
{
    /// <param name="from">Where it is.</param>
    /// <param name="to">Where it goes; what is there already stays.</param>
    /// <param name="id">The version. A view is copied with what it is a view of.</param>
    /// <param name="cancel">Stops it; the same again goes on.</param>
    /// <exception cref="InputException">There is no such version, or a part is not as it was written.</exception>
    public static async Task CopyAsync(PipelineStorage from, PipelineStorage to, string id, CancellationToken cancel)
    {
        var name = $"{id}/manifest.json";
        // What is there already is about to be needed.
        await DatasetClaims.TryClaimWithParentsAsync(to, id, cancel);
        var stored = await from.Datasets.FindContentAsync(name, cancel) ?? throw new InputException($"Dataset version {id} does not exist any more.");
        var manifest = Stored.Read<DatasetManifest>(stored.ToString());
        if (manifest.Selection is not null || manifest.Projection is not null)
        {
            await CopyAsync(from, to, manifest.Parents[0], cancel);
        }
        foreach (var part in manifest.Parts)
        {
            await CopyAsync(from.Datasets.GetBlobClient($"{id}/{part.Name}"), to.Datasets.GetBlobClient($"{id}/{part.Name}"), part, cancel);
        }
        await to.Datasets.TryAddAsync(name, stored, cancel);
    }

    private static async Task CopyAsync(BlobClient from, BlobClient to, DatasetPart part, CancellationToken cancel)
    {
        if ((await to.GetPropertiesAsync(cancellationToken: cancel).OrNullAsync())?.Value.ContentLength == part.Bytes)
        {
            return;
        }
        BlobDownloadStreamingResult found = await from.DownloadStreamingAsync(cancellationToken: cancel);
        using var hash = System.Security.Cryptography.SHA256.Create();
        await using (var content = new System.Security.Cryptography.CryptoStream(found.Content, hash, System.Security.Cryptography.CryptoStreamMode.Read))
        {
            await to.UploadAsync(content, overwrite: true, cancel);
        }
        if (DatasetPart.NameOf(hash.Hash!) != part.Name)
        {
            await to.DeleteIfExistsAsync(cancellationToken: cancel);
            throw new InputException($"Part {part.Name} of a dataset version is not as it was written. Look with 'data verify', and restore a backup.");
        }
    }
}

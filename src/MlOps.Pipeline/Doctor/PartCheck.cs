using System.Security.Cryptography;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Doctor;

/// <summary>What must hold of a part of a dataset version: it is there in its length, and where that is asked, with the bytes that are its name.</summary>
/// <param name="Listed">Its length in a listing; null: it was in none.</param>
/// <param name="Rehash">Whether it is read again.</param>
internal sealed record PartCheck(long? Listed, bool Rehash)
{
    /// <summary>What is wrong; null: nothing.</summary>
    public static async Task<Finding?> FindAsync(PipelineStorage storage, string id, DatasetPart part, PartCheck check, CancellationToken cancel)
    {
        var name = $"{id}/{part.Name}";
        // A listing comes in pages: what is written between two of them is missing from it.
        var length = check.Listed == part.Bytes ? check.Listed : await StoredBlobs.LengthAsync(storage.Datasets, name, cancel);
        if (length is not { } bytes)
        {
            return Broken(id, $"Its part {part.Name} is not there. Restore a backup, or delete the version's folder and run the file again.");
        }
        if (bytes != part.Bytes)
        {
            return Broken(id, $"Its part {part.Name} has {bytes} bytes where {part.Bytes} were written. Restore a backup.");
        }
        return check.Rehash && await HashAsync(storage, name, cancel) != part.Name
            ? Broken(id, $"Its part {part.Name} has other bytes than were written. Restore a backup.")
            : null;
    }

    /// <summary>What a part of this content is called; null when it is gone by now.</summary>
    private static async Task<string?> HashAsync(PipelineStorage storage, string name, CancellationToken cancel)
    {
        if (await storage.Datasets.GetBlobClient(name).DownloadStreamingAsync(cancellationToken: cancel).OrNullAsync() is not { } part)
        {
            return null;
        }
        await using var content = part.Value.Content;
        return DatasetPart.NameOf(await SHA256.HashDataAsync(content, cancel));
    }

    private static Finding Broken(string id, string problem) => new(FindingKind.Broken, $"datasets/{id}", problem);
}

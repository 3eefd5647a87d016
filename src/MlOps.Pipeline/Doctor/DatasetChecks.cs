using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Doctor;

/// <summary>What must hold of dataset versions.</summary>
internal static class DatasetChecks
{
    private const string ManifestFile = "/manifest.json";

    /// <summary>All manifests, by id.</summary>
    public static async Task<IReadOnlyDictionary<string, DatasetManifest>> ReadAsync(
        PipelineStorage storage, IReadOnlyDictionary<string, StoredBlob> blobs, CancellationToken cancel)
    {
        var found = new Dictionary<string, DatasetManifest>(StringComparer.Ordinal);
        foreach (var name in blobs.Keys.Where(name => name.EndsWith(ManifestFile, StringComparison.Ordinal)))
        {
            if (await storage.Datasets.FindContentAsync(name, cancel) is { } content)
            {
                found[name[..^ManifestFile.Length]] = Stored.Read<DatasetManifest>(content.ToString());
            }
        }
        return found;
    }

    /// <summary>Each part is there in its length, and so is what a view is a view of.</summary>
    public static IEnumerable<Finding> Of(IReadOnlyDictionary<string, DatasetManifest> manifests, IReadOnlyDictionary<string, StoredBlob> blobs)
    {
        foreach (var (id, manifest) in manifests)
        {
            foreach (var part in manifest.Parts)
            {
                if (blobs.GetValueOrDefault($"{id}/{part.Name}") is not { } blob)
                {
                    yield return Broken(id, $"Its part {part.Name} is not there. Restore a backup, or delete the version's folder and run the file again.");
                }
                else if (blob.Bytes != part.Bytes)
                {
                    yield return Broken(id, $"Its part {part.Name} has {blob.Bytes} bytes where {part.Bytes} were written. Restore a backup.");
                }
            }
            if ((manifest.Selection is not null || manifest.Projection is not null) && !manifests.ContainsKey(manifest.Parents[0]))
            {
                yield return Broken(id, $"It is a view of version {manifest.Parents[0]}, which there is not. Restore a backup.");
            }
        }
    }

    /// <summary>Parts of versions that were never finished.</summary>
    public static IEnumerable<(string Why, StoredBlob Blob)> Orphans(
        IReadOnlyDictionary<string, DatasetManifest> manifests, IReadOnlyDictionary<string, StoredBlob> blobs) => blobs.Values
        .Where(blob => blob.Name.IndexOf('/', StringComparison.Ordinal) is > 0 and var end && blob.Name.EndsWith(".parquet", StringComparison.Ordinal)
            && (manifests.GetValueOrDefault(blob.Name[..end]) is not { } manifest || !manifest.Parts.Any(part => part.Name == blob.Name[(end + 1)..])))
        .Select(blob => ("no manifest names them; a run was stopped before it had written all", blob));

    private static Finding Broken(string id, string problem) => new(FindingKind.Broken, $"datasets/{id}", problem);
}

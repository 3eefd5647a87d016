using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Doctor;

/// <summary>What must hold of dataset versions. Of each only its parents are remembered, and how many parts and bytes it has.</summary>
/// <param name="storage">The storage.</param>
/// <param name="unreadable">Told of versions whose manifest cannot be read.</param>
/// <param name="rehash">Whether every part is read again, and its content compared with its hash.</param>
internal sealed class DatasetChecks(PipelineStorage storage, UnreadableRecords unreadable, bool rehash)
{
    public const string ManifestFile = "manifest.json";
    private const int ReadAtOnce = 16;
    private const string Unnamed = "no manifest names them; a run was stopped before it had written all";

    private readonly Dictionary<string, IReadOnlyList<string>> parents = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> parts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> bytes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> views = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> written = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, IReadOnlyList<string>> Parents => parents;

    /// <summary>The versions that were made, or claimed, since then.</summary>
    public IEnumerable<string> WrittenSince(DateTimeOffset time) => written.Where(version => version.Value >= time).Select(version => version.Key);

    /// <summary>Bytes of the parts of all versions.</summary>
    public long StoredBytes => bytes.Values.Sum();

    /// <summary>Bytes of the parts that views read, for each view: what is not stored again.</summary>
    public long SharedBytes => views.Values.Sum(of => bytes.GetValueOrDefault(HolderOf(of)));

    /// <summary>Each part is there in its length; what a view is a view of is there.</summary>
    public async Task<IReadOnlyList<Finding>> CheckAsync(CancellationToken cancel)
    {
        var found = new List<Finding>();
        await foreach (var some in StoredBlobs.ListFoldersAsync(storage.Datasets, cancel).Chunk(ReadAtOnce).WithCancellation(cancel))
        {
            var manifests = await Task.WhenAll(some.Select(folder => FindManifestAsync(folder.Folder, folder.Blobs, cancel)));
            foreach (var ((id, blobs), manifest) in some.Zip(manifests).Where(pair => pair.Second is not null))
            {
                parents[id] = manifest!.Parents;
                parts[id] = manifest.Parts.Count;
                bytes[id] = manifest.Bytes;
                written[id] = blobs.First(IsManifest).Written;
                if (manifest.ViewOf is { } of)
                {
                    views[id] = of;
                }
                found.AddRange(await PartsAsync(id, manifest, blobs, cancel));
            }
        }
        foreach (var (id, of) in views)
        {
            if (!parents.ContainsKey(of) && await ViewCheck.FindAsync(storage, id, of, cancel) is { } problem)
            {
                found.Add(problem);
            }
        }
        return found;
    }

    /// <summary>Whether there is such a version: it may have been written since all were looked at.</summary>
    public async Task<bool> ExistsAsync(string id, CancellationToken cancel) =>
        parents.ContainsKey(id) || await FindManifestAsync(id, cancel) is not null || unreadable.Has(Where(id));

    /// <summary>Blobs of versions that were never finished, parts that no manifest names, and versions that nothing comes from.</summary>
    public async IAsyncEnumerable<(string Why, bool IsShared, StoredBlob Blob)> OrphansAsync(
        KeptData kept, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var (id, blobs) in StoredBlobs.ListFoldersAsync(storage.Datasets, cancel))
        {
            if (blobs.FirstOrDefault(IsManifest) is not { } own)
            {
                foreach (var blob in blobs.Where(blob => id.Length > 0))
                {
                    yield return (Unnamed, false, blob);
                }
            }
            else if (!kept.HasDataset(id))
            {
                // The manifest goes first: without it there is no such version, and what is left of it is nobody's. Somebody may have claimed it a moment ago:
                // then its manifest is young, and its parts are as old as they are.
                foreach (var blob in blobs.OrderByDescending(IsManifest))
                {
                    yield return ("no run and no version comes from them", false, blob with { Written = own.Written });
                }
            }
            else if (blobs.Count(IsPart) != parts.GetValueOrDefault(id) && await FindManifestAsync(id, cancel) is { } manifest)
            {
                foreach (var blob in blobs.Where(blob => IsPart(blob) && !manifest.Parts.Any(part => blob.Name == $"{id}/{part.Name}")))
                {
                    yield return (Unnamed, false, blob);
                }
            }
        }
    }

    /// <summary>The version whose parts hold the rows. However damaged the manifests are, it ends.</summary>
    private string HolderOf(string id)
    {
        for (var i = 0; i < views.Count && views.TryGetValue(id, out var of); i++)
        {
            id = of;
        }
        return id;
    }

    private async Task<IReadOnlyList<Finding>> PartsAsync(
        string id, DatasetManifest manifest, IReadOnlyList<StoredBlob> blobs, CancellationToken cancel)
    {
        var found = new List<Finding>();
        var listed = blobs.ToDictionary(blob => blob.Name, blob => blob.Bytes, StringComparer.Ordinal);
        foreach (var part in manifest.Parts)
        {
            var length = listed.TryGetValue($"{id}/{part.Name}", out var bytes) ? bytes : default(long?);
            if (await PartCheck.FindAsync(storage, id, part, new PartCheck(length, rehash), cancel) is { } problem)
            {
                found.Add(problem);
            }
        }
        return found;
    }

    private static bool IsPart(StoredBlob blob) => blob.Name.EndsWith(".parquet", StringComparison.Ordinal);

    public static bool IsManifest(StoredBlob blob) => blob.Name.EndsWith("/" + ManifestFile, StringComparison.Ordinal);

    private async Task<DatasetManifest?> FindManifestAsync(string id, IReadOnlyList<StoredBlob> blobs, CancellationToken cancel) =>
        blobs.Any(blob => blob.Name == $"{id}/{ManifestFile}") ? await FindManifestAsync(id, cancel) : null;

    private async Task<DatasetManifest?> FindManifestAsync(string id, CancellationToken cancel) =>
        await storage.Datasets.FindContentAsync($"{id}/{ManifestFile}", cancel) is { } content
            ? Stored.TryRead(() => Stored.Read<DatasetManifest>(content.ToString()), fault => unreadable.Add(Where(id), fault))
            : null;

    private static string Where(string id) => $"datasets/{id}";
}

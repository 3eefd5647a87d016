using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Data;

/// <summary>A Parquet file that a stage has just written locally.</summary>
public sealed record LocalPart(string Path, long Rows);

/// <summary>
/// Dataset versions in blobs (<see cref="ContentStore"/>): <c>{id}/manifest.json</c> and Parquet parts named by their content. Parts are kept in a
/// local folder too, so that the next stage on the same machine does not download them.
/// </summary>
public sealed class DatasetStore(PipelineStorage storage, PartCache cache, PipelineOptions options, TimeProvider time)
{
    private const int MostRemembered = 200;

    /// <summary>How many rows a part of a raw version has.</summary>
    internal int RowsPerPart => options.RowsPerPart;

    private readonly ContentStore versions = new(storage.Datasets);

    /// <summary>Manifests read lately; they never change.</summary>
    private readonly ConcurrentDictionary<string, DatasetManifest> known = new(StringComparer.Ordinal);

    /// <summary>The id of the version that <paramref name="stage"/> makes from <paramref name="parents"/> with <paramref name="parameters"/>.</summary>
    public static string IdOf(string stage, IReadOnlyList<string> parents, JsonObject parameters)
    {
        var identity = $"{stage}\n{string.Join('\n', parents)}\n{parameters.ToJsonString(Json.Options)}";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)))[..32];
    }

    /// <summary>The version's manifest, or null when it does not exist: whoever asks makes it then, so that one of memory does not do.</summary>
    public async Task<DatasetManifest?> FindAsync(string id, CancellationToken cancel)
    {
        if (known.TryGetValue(id, out var manifest) && await storage.Datasets.GetBlobClient(ManifestName(id)).ExistsAsync(cancel))
        {
            return manifest;
        }
        known.TryRemove(id, out _);
        return await versions.FindAsync<DatasetManifest>(ManifestName(id), cancel) is { } found ? Remember(found) : null;
    }

    /// <summary>The same for whoever goes on with it: it is kept from now on as one just made (<see cref="DatasetClaims"/>).</summary>
    public async Task<DatasetManifest?> ReuseAsync(string id, CancellationToken cancel) =>
        await FindAsync(id, cancel) is { } found && await DatasetClaims.TryClaimAsync(storage, id, cancel) ? found : null;

    /// <exception cref="InputException">There is no such version.</exception>
    public async Task<DatasetManifest> GetAsync(string id, CancellationToken cancel) =>
        known.GetValueOrDefault(id) ?? await FindAsync(id, cancel)
            ?? throw new InputException($"Dataset version {id} does not exist any more. Start a new run from the raw file.");

    /// <summary>The version whose parts hold the rows of another: that one itself, or what it is a view of; null when that is gone.</summary>
    public async Task<DatasetManifest?> FindHolderAsync(DatasetManifest manifest, CancellationToken cancel) =>
        manifest.ViewOf is not { } of ? manifest : await FindAsync(of, cancel) is { } parent ? await FindHolderAsync(parent, cancel) : null;

    /// <summary>Stores a new version with its parts; when the version exists meanwhile, that one is returned and <paramref name="parts"/> are
    /// dropped.</summary>
    public async Task<DatasetManifest> CommitAsync(DatasetManifest draft, IReadOnlyList<LocalPart> parts, CancellationToken cancel) =>
        await CommitAsync(draft with { Parts = await Task.WhenAll(parts.Select(part => StoreAsync(draft.Id, part, cancel))) }, cancel);

    /// <summary>Stores a new version whose parts are stored already, or that has none of its own; when it exists meanwhile, that one is returned.</summary>
    public async Task<DatasetManifest> CommitAsync(DatasetManifest draft, CancellationToken cancel)
    {
        while (true)
        {
            var mine = draft with { Created = time.GetUtcNow() };
            var kept = await versions.CommitAsync(ManifestName(draft.Id), mine, cancel);
            if (ReferenceEquals(kept, mine) || await DatasetClaims.TryClaimAsync(storage, draft.Id, cancel))
            {
                return Remember(kept);
            }
        }
    }

    /// <summary>An empty local folder for the parts that a stage is about to write; on the same disk as the cache.</summary>
    public string NewDraftFolder()
    {
        var folder = Path.Combine(options.WorkFolder, "drafts", Guid.NewGuid().ToString("N"));
        Directory.CreateDirectory(folder);
        return folder;
    }

    /// <summary>A version with its parts (of the version it is a view of) on this machine, downloaded where they are not here yet.</summary>
    /// <param name="manifest">The version.</param>
    /// <param name="cancel">Stops the download.</param>
    public Task<LocalTable> OpenAsync(DatasetManifest manifest, CancellationToken cancel) => OpenAsync(manifest, part: null, cancel);

    /// <param name="manifest">The version.</param>
    /// <param name="part">Only the rows of this part; null: all.</param>
    /// <param name="cancel">Stops the download.</param>
    /// <inheritdoc cref="OpenAsync(DatasetManifest, CancellationToken)"/>
    public async Task<LocalTable> OpenAsync(DatasetManifest manifest, int? part, CancellationToken cancel)
    {
        if (manifest.ViewOf is { } of)
        {
            return new LocalTable(manifest, [], await OpenAsync(await GetAsync(of, cancel), part, cancel));
        }
        return new LocalTable(manifest, await Task.WhenAll(Chosen(manifest, part).Select(chosen => DownloadAsync(manifest.Id, chosen, cancel))));
    }

    private static IEnumerable<DatasetPart> Chosen(DatasetManifest manifest, int? part) => part is { } index ? [manifest.Parts[index]] : manifest.Parts;

    private DatasetManifest Remember(DatasetManifest manifest)
    {
        if (known.Count >= MostRemembered)
        {
            known.Clear();
        }
        return known[manifest.Id] = manifest;
    }

    /// <summary>Stores a part of a version that is not committed yet. The same content again is the same part.</summary>
    public async Task<DatasetPart> StoreAsync(string id, LocalPart part, CancellationToken cancel)
    {
        string name;
        await using (var content = File.OpenRead(part.Path))
        {
            name = DatasetPart.NameOf(await SHA256.HashDataAsync(content, cancel));
        }
        var bytes = new FileInfo(part.Path).Length;
        await storage.Datasets.GetBlobClient($"{id}/{name}").UploadAsync(part.Path, overwrite: true, cancel);
        cache.Add(id, name, part.Path);
        return new DatasetPart(name, part.Rows, bytes);
    }

    private async Task<string> DownloadAsync(string id, DatasetPart part, CancellationToken cancel)
    {
        if (cache.Find(id, part.Name, part.Bytes) is { } cached)
        {
            return cached;
        }
        var arriving = $"{cache.PathOf(id, part.Name)}.{Guid.NewGuid():N}";
        Directory.CreateDirectory(Path.GetDirectoryName(arriving)!);
        try
        {
            await storage.Datasets.GetBlobClient($"{id}/{part.Name}").DownloadToAsync(arriving, cancel);
            return cache.Add(id, part.Name, arriving);
        }
        finally
        {
            // There is none after a move: this is for a download that broke off.
            File.Delete(arriving);
        }
    }

    private static string ManifestName(string id) => $"{id}/manifest.json";
}

/// <summary>A dataset version whose rows can be read on this machine.</summary>
/// <param name="Manifest">The version.</param>
/// <param name="Paths">Its own parts.</param>
/// <param name="Parent">What it is a view of, if it is one.</param>
public sealed record LocalTable(DatasetManifest Manifest, IReadOnlyList<string> Paths, LocalTable? Parent = null)
{
    /// <summary>A FROM clause over all rows, in order.</summary>
    internal string ToSql() => Manifest switch
    {
        { Selection: { } selection } => $"(SELECT * FROM {Parent!.ToSql()} WHERE {selection.ToSql()})",
        { Projection: { } columns } =>
            $"(SELECT {string.Join(", ", columns.Select(column => $"{column.Sql} AS {Sql.Name(column.Name)}"))}, {RowHash.ColumnName} FROM {Parent!.ToSql()})",
        _ => $"read_parquet({Sql.Files(Paths)})",
    };
}

using Azure;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Stages.Drift.Profiles;

/// <summary>Profiles of dataset versions, each computed once and kept beside its version's manifest.</summary>
internal sealed class ProfileStore(PipelineStorage storage, DatasetStore datasets, TableProfiler profiler)
{
    /// <summary>The version's profile: read when it is there, else computed and kept.</summary>
    /// <param name="manifest">The version.</param>
    /// <param name="progress">Told the number of columns just done.</param>
    /// <param name="cancel">Stops the reading.</param>
    public async Task<TableProfile> GetAsync(DatasetManifest manifest, Func<int, Task> progress, CancellationToken cancel)
    {
        if (await FindAsync(manifest.Id, cancel) is { } kept)
        {
            await progress(kept.Columns.Count);
            return kept;
        }
        return await KeepAsync(manifest.Id, await ComputeAsync(manifest, progress, cancel), cancel);
    }

    /// <summary>The profiles of both sides of a split, of which only the first is kept; where it is not there yet, the table is read once for both.</summary>
    /// <param name="train">The first side.</param>
    /// <param name="validation">All other rows of the same table.</param>
    /// <param name="progress">Told the number of columns just done, each side's counted.</param>
    /// <param name="cancel">Stops the reading.</param>
    public async Task<(TableProfile Train, TableProfile Validation)> GetSplitAsync(DatasetManifest train, DatasetManifest validation, Func<int, Task> progress, CancellationToken cancel)
    {
        if (await FindAsync(train.Id, cancel) is { } kept)
        {
            await progress(kept.Columns.Count);
            return (kept, await ComputeAsync(validation, progress, cancel));
        }
        var table = await datasets.OpenAsync(await datasets.GetAsync(validation.Parents[0], cancel), cancel);
        var (first, second) = await profiler.ProfileSidesAsync(table, validation.Selection!, ProfiledColumn.Of(train), progress, cancel);
        return (await KeepAsync(train.Id, first, cancel), second);
    }

    /// <summary>A profile for one use, such as of the side that nothing is compared with later.</summary>
    private async Task<TableProfile> ComputeAsync(DatasetManifest manifest, Func<int, Task> progress, CancellationToken cancel) =>
        await profiler.ProfileAsync(await datasets.OpenAsync(manifest, cancel), ProfiledColumn.Of(manifest), progress, cancel);

    private async Task<TableProfile> KeepAsync(string id, TableProfile profile, CancellationToken cancel)
    {
        using var bytes = new MemoryStream();
        ProfileFile.Write(bytes, profile);
        bytes.Position = 0;
        await storage.Datasets.GetBlobClient(BlobName(id)).UploadAsync(bytes, overwrite: true, cancel);
        return profile;
    }

    private async Task<TableProfile?> FindAsync(string id, CancellationToken cancel)
    {
        try
        {
            var content = await storage.Datasets.GetBlobClient(BlobName(id)).DownloadContentAsync(cancel);
            return ProfileFile.Read(content.Value.Content.ToStream());
        }
        catch (RequestFailedException missing) when (missing.Status == 404)
        {
            return null;
        }
    }

    private static string BlobName(string id) => $"{id}/{ProfileFile.Name}";
}

using MlOps.Drift.Profiles;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Profiling;

/// <summary>Profiles of dataset versions, each computed once and kept beside its version's manifest.</summary>
public sealed class ProfileStore(PipelineStorage storage, DatasetStore datasets, TableProfiler profiler)
{
    /// <summary>The version's profile where it is there; null where it was not computed.</summary>
    public Task<TableProfile?> FindAsync(DatasetManifest manifest, CancellationToken cancel) => FindAsync(BlobName(manifest.Id), cancel);

    /// <summary>The version's profile: read when it is there, else computed and kept.</summary>
    /// <param name="manifest">The version.</param>
    /// <param name="progress">Told the number of columns just done.</param>
    /// <param name="cancel">Stops the reading.</param>
    public async Task<TableProfile> GetAsync(DatasetManifest manifest, Func<int, Task> progress, CancellationToken cancel)
    {
        if (await FindAsync(BlobName(manifest.Id), cancel) is { } kept)
        {
            await progress(kept.Columns.Count);
            return kept;
        }
        return await KeepAsync(BlobName(manifest.Id), await ComputeAsync(manifest, progress, cancel), cancel);
    }

    /// <summary>The profiles of both sides of a split, of which only the first is kept; where it is not there yet, the table is read once for both.</summary>
    /// <param name="train">The first side.</param>
    /// <param name="validation">All other rows of the same table, but for test rows.</param>
    /// <param name="parts">Parts whose profiles are there (see <see cref="KeepPartAsync"/>) and only have to be joined; 0: none are.</param>
    /// <param name="progress">Told the number of columns just done, each side's counted.</param>
    /// <param name="cancel">Stops the reading.</param>
    public async Task<(TableProfile Train, TableProfile Validation)> GetSplitAsync(
        DatasetManifest train, DatasetManifest validation, int parts, Func<int, Task> progress, CancellationToken cancel)
    {
        if (parts > 0)
        {
            var joined = (Train: await JoinAsync(train, parts, cancel), Validation: await JoinAsync(validation, parts, cancel));
            await progress(joined.Train.Columns.Count + joined.Validation.Columns.Count);
            return (await KeepAsync(BlobName(train.Id), joined.Train, cancel), joined.Validation);
        }
        if (await FindAsync(BlobName(train.Id), cancel) is { } kept)
        {
            await progress(kept.Columns.Count);
            return (kept, await ComputeAsync(validation, progress, cancel));
        }
        var table = await datasets.OpenAsync(await datasets.GetAsync(validation.Parents[0], cancel), cancel);
        var (first, second) = await profiler.ProfileSidesAsync(table, validation.Selection!, ProfiledColumn.Of(train), progress, cancel);
        return (await KeepAsync(BlobName(train.Id), first, cancel), second);
    }

    /// <summary>Profiles one part of a split table, both sides, and keeps what it finds until the parts are joined; false when it was there.</summary>
    public async Task<bool> KeepPartAsync(DatasetManifest train, DatasetManifest validation, int part, CancellationToken cancel)
    {
        if ((await storage.Datasets.GetBlobClient(PartName(validation.Id, part)).ExistsAsync(cancel)).Value)
        {
            return false;
        }
        var table = await datasets.OpenAsync(await datasets.GetAsync(validation.Parents[0], cancel), part, cancel);
        var (first, second) = await profiler.ProfileSidesAsync(table, validation.Selection!, ProfiledColumn.Of(train), _ => Task.CompletedTask, cancel);
        await KeepAsync(PartName(train.Id, part), first, cancel);
        // Written last: it stands for both.
        await KeepAsync(PartName(validation.Id, part), second, cancel);
        return true;
    }

    private async Task<TableProfile> JoinAsync(DatasetManifest manifest, int parts, CancellationToken cancel)
    {
        var joiner = new ProfileJoiner([.. ProfiledColumn.Of(manifest).Select(column => (column.Name, column.IsNumeric))], manifest.Rows);
        for (var part = 0; part < parts; part++)
        {
            var name = PartName(manifest.Id, part);
            joiner.Add(await FindAsync(name, cancel) ?? throw new InvalidOperationException($"The profile {name} is not there."));
        }
        return joiner.Finish();
    }

    /// <summary>A profile for one use, such as of the side that nothing is compared with later.</summary>
    private async Task<TableProfile> ComputeAsync(DatasetManifest manifest, Func<int, Task> progress, CancellationToken cancel) =>
        await profiler.ProfileAsync(await datasets.OpenAsync(manifest, cancel), ProfiledColumn.Of(manifest), progress, cancel);

    private async Task<TableProfile> KeepAsync(string blob, TableProfile profile, CancellationToken cancel)
    {
        using var bytes = new MemoryStream();
        ProfileFile.Write(bytes, profile);
        bytes.Position = 0;
        await storage.Datasets.GetBlobClient(blob).UploadAsync(bytes, overwrite: true, cancel);
        return profile;
    }

    private async Task<TableProfile?> FindAsync(string blob, CancellationToken cancel)
    {
        return await storage.Datasets.FindContentAsync(blob, cancel) is { } content ? ProfileFile.Read(content.ToStream()) : null;
    }

    private static string BlobName(string id) => $"{id}/{ProfileFile.Name}";

    private static string PartName(string id, int part) => $"{id}/part-{part}-{ProfileFile.Name}";
}

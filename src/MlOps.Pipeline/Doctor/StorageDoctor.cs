using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Doctor;

/// <summary>
/// Walks all tables and blobs and checks what must always hold: versions without gaps, aliases that point at versions, versions whose files are there
/// with the bytes that were registered, manifests whose parts are there, ended runs without a stage that runs. It also finds what nothing refers to.
/// Reads while hosts work: what is just being written is not taken for broken, nor for an orphan before a day has passed.
/// </summary>
public sealed class StorageDoctor(
    PipelineStorage storage, ModelRegistry registry, RunStore runs, DefinitionStore definitions, TimeProvider time)
{
    /// <summary>What a run of now has written and not yet referred to is younger.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromDays(1);

    private const int RunsAtOnce = 16;

    public async Task<Examination> ExamineAsync(CancellationToken cancel)
    {
        // Runs first: what a run refers to is written before it is referred to.
        var allRuns = await runs.ListAsync(model: null, int.MaxValue, cancel);
        var details = new List<RunDetails>();
        foreach (var some in allRuns.Chunk(RunsAtOnce))
        {
            details.AddRange((await Task.WhenAll(some.Select(run => runs.FindDetailsAsync(run.RunId, cancel)))).OfType<RunDetails>());
        }
        var models = await registry.ListAsync(cancel);
        var versions = new List<ModelVersion>();
        foreach (var model in models)
        {
            versions.AddRange(await registry.ListVersionsAsync(model.Model, cancel));
        }
        var datasets = await StoredBlobs.ListAsync(storage.Datasets, cancel);
        var artifacts = await StoredBlobs.ListAsync(storage.Artifacts, cancel);
        var manifests = await DatasetChecks.ReadAsync(storage, datasets, cancel);
        Finding[] found =
        [
            .. models.SelectMany(model => RegistryChecks.Of(model, [.. versions.Where(version => version.Model == model.Model)])),
            .. await RegistryChecks.FilesAsync(storage, versions, artifacts, cancel),
            .. versions.SelectMany(version => RegistryChecks.Lineage(version, manifests)),
            .. DatasetChecks.Of(manifests, datasets),
            .. await RunChecks.OfAsync(details, versions, runs, definitions, cancel),
            .. Orphans(DatasetChecks.Orphans(manifests, datasets), storage.Datasets),
            .. Orphans(RunChecks.Orphans(details, versions, artifacts), storage.Artifacts),
        ];
        return new Examination(found, models.Count, versions.Count, manifests.Count, allRuns.Count);
    }

    private IEnumerable<Finding> Orphans(IEnumerable<(string Why, StoredBlob Blob)> blobs, Azure.Storage.Blobs.BlobContainerClient container)
    {
        var now = time.GetUtcNow();
        foreach (var group in blobs.Where(orphan => now - orphan.Blob.Written > Settled)
            .GroupBy(orphan => (orphan.Why, Folder: orphan.Blob.Name[..Math.Max(0, orphan.Blob.Name.LastIndexOf('/'))])))
        {
            var all = group.Select(orphan => orphan.Blob).ToList();
            yield return new Finding(FindingKind.Orphan, $"{container.Name}/{group.Key.Folder}", $"{all.Count} blobs: {group.Key.Why}.")
            {
                Bytes = all.Sum(blob => blob.Bytes),
                Remedy = "deletes them",
                Repair = async cancel =>
                {
                    foreach (var blob in all)
                    {
                        await StoredBlobs.DeleteAsync(container, blob, cancel);
                    }
                },
            };
        }
    }
}

using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Doctor;

/// <summary>What must hold of a dataset version that is a view: the version whose rows it reads is there.</summary>
internal static class ViewCheck
{
    /// <summary>What is wrong; null: nothing, or the view is gone itself by now.</summary>
    /// <param name="storage">The storage.</param>
    /// <param name="id">The view.</param>
    /// <param name="of">The version that it is a view of.</param>
    /// <param name="cancel">Stops it.</param>
    public static async Task<Finding?> FindAsync(PipelineStorage storage, string id, string of, CancellationToken cancel) =>
        await IsThereAsync(storage, of, cancel) || !await IsThereAsync(storage, id, cancel)
            ? null
            : new Finding(FindingKind.Broken, $"datasets/{id}", $"It is a view of version {of}, which there is not. Restore a backup.");

    private static async Task<bool> IsThereAsync(PipelineStorage storage, string id, CancellationToken cancel) =>
        await storage.Datasets.GetBlobClient($"{id}/{DatasetChecks.ManifestFile}").ExistsAsync(cancel);
}

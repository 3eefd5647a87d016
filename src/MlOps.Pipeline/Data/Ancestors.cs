namespace MlOps.Pipeline.Data;

/// <summary>The versions that a dataset version was made from.</summary>
internal static class Ancestors
{
    /// <summary>The nearest one, the version itself included, that is wanted; null: there is none, or what it was made from is gone.</summary>
    public static async Task<DatasetManifest?> FindAsync(
        DatasetStore datasets, DatasetManifest version, Func<DatasetManifest, bool> isWanted, CancellationToken cancel)
    {
        DatasetManifest? next = version;
        while (next is not null && !isWanted(next))
        {
            next = next.Parents is [var parent, ..] ? await datasets.FindAsync(parent, cancel) : null;
        }
        return next;
    }
}

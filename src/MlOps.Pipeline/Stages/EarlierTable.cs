using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;

namespace MlOps.Pipeline.Stages;

/// <summary>The table that a version was made from, to hold the next one against: a table that was blocked is not what that is measured by.</summary>
/// <param name="Version">The version.</param>
/// <param name="Raw">Its table; null where that is gone.</param>
internal sealed record EarlierTable(int Version, DatasetManifest? Raw)
{
    /// <summary>That of the version in production, or else of the newest version; null where there is none.</summary>
    public static async Task<EarlierTable?> FindAsync(ModelRegistry registry, DatasetStore datasets, string model, CancellationToken cancel)
    {
        var registered = await registry.FindAsync(model, cancel);
        return (registered?.Production ?? registered?.LatestVersion) is { } number && await registry.FindVersionAsync(model, number, cancel) is { } version
            ? new EarlierTable(number, await datasets.FindAsync(version.Lineage.Raw, cancel))
            : null;
    }
}

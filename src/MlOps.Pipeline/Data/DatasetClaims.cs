using System.Globalization;
using Azure;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Data;

/// <summary>
/// Says of a dataset version that somebody goes on with it: a run that found it, a person who gives it a name. Its manifest is another state of that blob from
/// then on, as young as one just written. Who collects what nothing reaches deletes a manifest first, only if it is old, and only in the state in which it was
/// looked at: so of a claim and a deletion at the same moment one is first, and the other knows.
/// </summary>
internal static class DatasetClaims
{
    /// <summary>False when there is no such version (any more).</summary>
    public static async Task<bool> TryClaimAsync(PipelineStorage storage, string id, CancellationToken cancel)
    {
        var claimed = new Dictionary<string, string> { ["claimed"] = DateTime.UtcNow.Ticks.ToString(CultureInfo.InvariantCulture) };
        try
        {
            await storage.Datasets.GetBlobClient($"{id}/manifest.json").SetMetadataAsync(claimed, cancellationToken: cancel);
            return true;
        }
        catch (RequestFailedException gone) when (gone.Status == 404)
        {
            return false;
        }
    }

    /// <summary>The same with all that it was made from, which goes first: who claims a view claims the rows.</summary>
    public static async Task<bool> TryClaimWithParentsAsync(PipelineStorage storage, string id, CancellationToken cancel)
    {
        if (await storage.Datasets.FindContentAsync($"{id}/manifest.json", cancel) is not { } content)
        {
            return false;
        }
        var version = Stored.Read<DatasetManifest>(content.ToString());
        foreach (var parent in version.Parents)
        {
            // A view cannot be read without its parent; of others the parent may have been collected long ago.
            var isNeeded = version.Selection is not null || version.Projection is not null;
            if (!await TryClaimWithParentsAsync(storage, parent, cancel) && isNeeded)
            {
                return false;
            }
        }
        return await TryClaimAsync(storage, id, cancel);
    }

    public static string Gone(string id) =>
        $"Dataset version {id} has just been collected, as nothing reached it. Run its file again, which makes it again.";
}

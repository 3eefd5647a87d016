using Azure.Data.Tables;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Doctor;

/// <summary>
/// Compares the indexes with what they lead to, by reading everything: now and then, and once in a storage of a release that had none. What is missing is
/// added; what leads nowhere goes when it is a day old, as what it leads to may be just coming.
/// </summary>
public sealed class IndexRepair(PipelineStorage storage, RunStore runs, ModelRegistry registry, RawFileArrivals arrivals, TimeProvider time)
{
    /// <summary>Of the indexes' layout: where it is not marked as built, all is read once.</summary>
    private const string Built = "runs-and-models-1";

    private static readonly TimeSpan Settled = TimeSpan.FromDays(1);

    /// <summary>Builds the indexes where that was not done yet.</summary>
    public async Task EnsureAsync(CancellationToken cancel)
    {
        if (!(await storage.Indexes.GetEntityIfExistsAsync<TableEntity>("built", Built, cancellationToken: cancel)).HasValue)
        {
            await RepairAsync(cancel);
            await storage.Indexes.UpsertEntityAsync(new TableEntity("built", Built), TableUpdateMode.Replace, cancel);
        }
    }

    public async Task RepairAsync(CancellationToken cancel)
    {
        var settled = time.GetUtcNow() - Settled;
        await runs.RepairIndexAsync(await runs.CompareIndexAsync(cancel), settled, cancel);
        await registry.RepairIndexAsync(await registry.CompareIndexAsync(cancel), settled, cancel);
        await arrivals.ForgetAsync(settled, cancel);
    }
}

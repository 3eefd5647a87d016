using Azure;
using Azure.Data.Tables;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Versions;

namespace MlOps.Local.Hosting;

/// <summary>The latest reproduction of each run, among what the run logged, with which it is deleted.</summary>
internal sealed class ReproductionStore(PipelineStorage storage)
{
    private const string Row = "reproduction|latest";
    private const string JsonColumn = "Json";

    /// <summary>Writes one that begins, in place of the one before.</summary>
    /// <returns>Its state, for <see cref="EndAsync"/>.</returns>
    public async Task<ETag> BeginAsync(Reproduction begun, CancellationToken cancel)
    {
        var written = await storage.RunRecords.UpsertEntityAsync(EntityOf(begun), TableUpdateMode.Replace, cancel);
        return written.Headers.ETag ?? ETag.All;
    }

    /// <summary>Writes how it ended; nothing where it is gone, as its run was deleted, or where another has begun.</summary>
    public async Task EndAsync(Reproduction ended, ETag state, CancellationToken cancel)
    {
        try
        {
            await storage.RunRecords.UpdateEntityAsync(EntityOf(ended), state, TableUpdateMode.Replace, cancel);
        }
        catch (RequestFailedException gone) when (gone.Status is 404 or 412)
        {
        }
    }

    /// <summary>As it was written last; null when there is none.</summary>
    public async Task<Reproduction?> FindAsync(string runId, CancellationToken cancel)
    {
        var found = await storage.RunRecords.GetEntityIfExistsAsync<TableEntity>(runId, Row, cancellationToken: cancel);
        return found.HasValue ? Json.Read<Reproduction>(found.Value!.GetString(JsonColumn)) : null;
    }

    private static TableEntity EntityOf(Reproduction reproduction) => new(reproduction.RunId, Row) { [JsonColumn] = Json.Write(reproduction) };
}

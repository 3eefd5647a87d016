using System.Runtime.CompilerServices;
using Azure.Data.Tables;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Registry;

/// <summary>
/// The names of the models that have something: their heads stand among the rows of their models, and to find them all of these would have to be read. A
/// name is written before its model gets what it is listed for, and goes when that is over.
/// </summary>
internal sealed class ModelIndex
{
    private readonly PipelineStorage storage;
    private readonly string partition;

    private ModelIndex(PipelineStorage storage, string partition) => (this.storage, this.partition) = (storage, partition);

    /// <summary>Models that have versions.</summary>
    public static ModelIndex OfVersions(PipelineStorage storage) => new(storage, "model");

    /// <summary>Models whose requests are shared out.</summary>
    public static ModelIndex OfTraffic(PipelineStorage storage) => new(storage, "traffic");

    /// <summary>Changes the row also where it is there already, so that a removal under way leaves it.</summary>
    public Task AddAsync(string model, CancellationToken cancel) =>
        storage.Indexes.UpsertEntityAsync(new TableEntity(partition, model), TableUpdateMode.Replace, cancel);

    public async Task<TableEntity?> FindAsync(string model, CancellationToken cancel) =>
        await storage.Indexes.GetEntityIfExistsAsync<TableEntity>(partition, model, cancellationToken: cancel) is { HasValue: true } found ? found.Value : null;

    /// <summary>Removes a row as it was found; one that was written again since stays.</summary>
    public Task RemoveAsync(TableEntity found, CancellationToken cancel) =>
        storage.Indexes.DeleteEntityAsync(partition, found.RowKey, found.ETag, cancel).WinsAsync();

    /// <summary>Names in their order.</summary>
    /// <param name="after">The name after which to begin; null: at the beginning.</param>
    /// <param name="take">How many are wanted: the rest is not read.</param>
    /// <param name="cancel">Stops it.</param>
    public async IAsyncEnumerable<string> NamesAsync(string? after, int take, [EnumeratorCancellation] CancellationToken cancel)
    {
        const int LargestPage = 1000;
        var filter = TableClient.CreateQueryFilter($"PartitionKey eq {partition} and RowKey gt {after ?? ""}");
        await foreach (var row in storage.Indexes.QueryAsync<TableEntity>(filter, Math.Min(take, LargestPage), ["RowKey"], cancel))
        {
            yield return row.RowKey;
        }
    }
}

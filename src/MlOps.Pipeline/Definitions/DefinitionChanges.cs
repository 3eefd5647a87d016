using Azure.Data.Tables;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Definitions;

/// <summary>One row that is another after each change of a current definition: who looks at all of them again and again reads it, not them.</summary>
internal static class DefinitionChanges
{
    private const string Partition = "definition";
    private const string Row = "changed";

    /// <summary>After the change, and before it is answered.</summary>
    public static Task MarkAsync(PipelineStorage storage, CancellationToken cancel) =>
        storage.Indexes.UpsertEntityAsync(new TableEntity(Partition, Row) { ["Mark"] = Guid.NewGuid() }, TableUpdateMode.Replace, cancel);

    /// <summary>What the row is now: read before the definitions are. Null before the first change.</summary>
    public static async Task<Guid?> FindAsync(PipelineStorage storage, CancellationToken cancel) =>
        await storage.Indexes.GetEntityIfExistsAsync<TableEntity>(Partition, Row, cancellationToken: cancel) is { HasValue: true } found
            ? found.Value!.GetGuid("Mark")
            : null;
}

using Azure.Data.Tables;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Tracking;

/// <summary>The alerts of runs, in the runs' own records.</summary>
public sealed class AlertStore(PipelineStorage storage)
{
    /// <summary>What the row keys of alerts start with.</summary>
    internal const string RowKind = "alert";

    /// <summary>Writes an alert that nobody has written; false when this run has told it already, or is just telling it.</summary>
    public Task<bool> TryClaimAsync(string runId, Alert alert, CancellationToken cancel) =>
        storage.RunRecords.AddEntityAsync(EntityOf(runId, alert), cancel).WinsAsync();

    public Task UpdateAsync(string runId, Alert alert, CancellationToken cancel) =>
        storage.RunRecords.UpsertEntityAsync(EntityOf(runId, alert), TableUpdateMode.Replace, cancel);

    private static TableEntity EntityOf(string runId, Alert alert) => new(runId, $"{RowKind}|{alert.Kind}") { ["Json"] = Json.Write(alert) };
}

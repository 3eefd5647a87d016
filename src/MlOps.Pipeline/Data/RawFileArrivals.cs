using System.Security.Cryptography;
using System.Text;
using Azure;
using Azure.Data.Tables;

namespace MlOps.Pipeline.Data;

/// <summary>
/// Files that are being uploaded through this product: noted before the first byte, so that whoever watches for files need not look through all of them. A note
/// stays until its file was taken, or a day. Files that come by another way are found by looking.
/// </summary>
public sealed class RawFileArrivals(PipelineStorage storage)
{
    private const string Partition = "rawfile";

    public Task NoteAsync(string name, CancellationToken cancel) =>
        storage.Indexes.UpsertEntityAsync(new TableEntity(Partition, Row(name)) { ["Name"] = name }, TableUpdateMode.Replace, cancel);

    /// <summary>The files that are noted.</summary>
    public async Task<IReadOnlyList<RawFileArrival>> ListAsync(CancellationToken cancel)
    {
        var found = new List<RawFileArrival>();
        await foreach (var row in storage.Indexes.QueryAsync<TableEntity>(row => row.PartitionKey == Partition, cancellationToken: cancel))
        {
            found.Add(new RawFileArrival(row.GetString("Name"), row.Timestamp ?? DateTimeOffset.MaxValue, row.ETag));
        }
        return found;
    }

    /// <summary>Removes a note as it was listed; one that was written again since is of a newer file.</summary>
    public Task RemoveAsync(RawFileArrival note, CancellationToken cancel) =>
        storage.Indexes.DeleteEntityAsync(Partition, Row(note.Name), note.State, cancel).WinsAsync();

    /// <summary>Removes notes of uploads that came to nothing, or that nobody watches for.</summary>
    public async Task ForgetAsync(DateTimeOffset writtenBefore, CancellationToken cancel)
    {
        await foreach (var row in storage.Indexes.QueryAsync<TableEntity>(row => row.PartitionKey == Partition, cancellationToken: cancel))
        {
            if (row.Timestamp < writtenBefore)
            {
                await storage.Indexes.DeleteEntityAsync(Partition, row.RowKey, row.ETag, cancel).WinsAsync();
            }
        }
    }

    /// <summary>Blob names may be longer than table keys.</summary>
    private static string Row(string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
}

/// <summary>A file that is being uploaded, or was.</summary>
/// <param name="Name">Its name within the container.</param>
/// <param name="Written">When the upload began.</param>
/// <param name="State">Of the note: another upload of the same file writes another.</param>
public sealed record RawFileArrival(string Name, DateTimeOffset Written, ETag State);

using System.Security.Cryptography;
using System.Text;
using Azure;
using Azure.Data.Tables;
using MlOps.Pipeline.Data;

namespace MlOps.Serving.Triggers;

/// <summary>Which raw files were seen, and in which state.</summary>
public sealed class RawFileMarks(PipelineStorage storage)
{
    private const string Partition = MarkKinds.RawFile;

    private Dictionary<string, ETag>? known;

    /// <summary>The state in which each file, by blob name, was last seen.</summary>
    public async Task<IReadOnlyDictionary<string, ETag>> ReadAsync(CancellationToken cancel)
    {
        if (known is null)
        {
            var read = new Dictionary<string, ETag>();
            await foreach (var mark in storage.Marks.QueryAsync<TableEntity>(row => row.PartitionKey == Partition, cancellationToken: cancel))
            {
                read[mark.GetString("Name")] = new ETag(mark.GetString("Seen"));
            }
            known = read;
        }
        return known;
    }

    public async Task MarkAsync(string name, ETag seen, CancellationToken cancel)
    {
        var mark = new TableEntity(Partition, Row(name)) { ["Name"] = name, ["Seen"] = seen.ToString() };
        await storage.Marks.UpsertEntityAsync(mark, TableUpdateMode.Replace, cancel);
        known![name] = seen;
    }

    public async Task ForgetAsync(string name, CancellationToken cancel)
    {
        await storage.Marks.DeleteEntityAsync(Partition, Row(name), cancellationToken: cancel);
        known!.Remove(name);
    }

    /// <summary>Blob names may be longer than table keys.</summary>
    private static string Row(string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)));
}

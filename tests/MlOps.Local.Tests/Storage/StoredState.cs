using System.Globalization;
using System.Security.Cryptography;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;

namespace MlOps.Local.Tests.Storage;

/// <summary>All that a storage shows to its clients, a line each, so that two moments can be compared.</summary>
internal static class StoredState
{
    public static async Task<List<string>> ReadAsync(string connection)
    {
        var lines = new List<string>();
        var tables = new TableServiceClient(connection);
        await foreach (var table in tables.QueryAsync())
        {
            lines.Add($"table {table.Name}");
            await foreach (var row in tables.GetTableClient(table.Name).QueryAsync<TableEntity>())
            {
                var cells = row.OrderBy(cell => cell.Key, StringComparer.Ordinal)
                    .Select(cell => $"{cell.Key}={Convert.ToString(cell.Value, CultureInfo.InvariantCulture)}");
                lines.Add($"row {table.Name} {string.Join(' ', cells)}");
            }
        }
        var blobs = new BlobServiceClient(connection);
        await foreach (var container in blobs.GetBlobContainersAsync())
        {
            lines.Add($"container {container.Name}");
            var client = blobs.GetBlobContainerClient(container.Name);
            await foreach (var blob in client.GetBlobsAsync(new GetBlobsOptions { Traits = BlobTraits.Metadata }))
            {
                var content = (await client.GetBlobClient(blob.Name).DownloadContentAsync()).Value.Content;
                var metadata = string.Join(' ', blob.Metadata.Select(pair => $"{pair.Key}={pair.Value}"));
                lines.Add($"blob {container.Name}/{blob.Name} {blob.Properties.ETag} {metadata} {Convert.ToHexString(SHA256.HashData(content))}");
            }
        }
        return lines;
    }
}

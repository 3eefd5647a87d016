using System.Text;
using Azure.Data.Tables;
using Azure.Storage.Blobs;

namespace MlOps.Testing;

/// <summary>All that stands in a storage account, to be searched.</summary>
public static class StoredTexts
{
    /// <summary>Every row of every table and every blob, whoever wrote it, a byte a character.</summary>
    public static async Task<IReadOnlyList<(string Where, string Text)>> OfAsync(string connection)
    {
        var found = new List<(string Where, string Text)>();
        var tables = new TableServiceClient(connection);
        await foreach (var table in tables.QueryAsync())
        {
            await foreach (var row in tables.GetTableClient(table.Name).QueryAsync<TableEntity>())
            {
                found.Add(($"table {table.Name} {row.PartitionKey} {row.RowKey}", string.Join('\n', row.Select(cell => $"{cell.Key}={TextOf(cell.Value)}"))));
            }
        }
        var blobs = new BlobServiceClient(connection);
        await foreach (var container in blobs.GetBlobContainersAsync())
        {
            await foreach (var blob in blobs.GetBlobContainerClient(container.Name).GetBlobsAsync())
            {
                var content = await blobs.GetBlobContainerClient(container.Name).GetBlobClient(blob.Name).DownloadContentAsync();
                found.Add(($"blob {container.Name}/{blob.Name}", Encoding.Latin1.GetString(content.Value.Content)));
            }
        }
        return found;
    }

    /// <summary>Where a secret stands, as it is or in the usual disguises.</summary>
    public static IReadOnlyList<string> WhereIs(this IEnumerable<(string Where, string Text)> written, string secret)
    {
        string[] forms = [secret, Uri.EscapeDataString(secret), Convert.ToBase64String(Encoding.UTF8.GetBytes(secret))];
        return [.. written.Where(one => forms.Any(form => one.Text.Contains(form, StringComparison.Ordinal))).Select(one => one.Where).Distinct()];
    }

    private static object? TextOf(object? cell) => cell is byte[] bytes ? Encoding.Latin1.GetString(bytes) : cell;
}

using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace MlOps.Local.Tests.Storage;

/// <summary>Every kind of change that clients make, in random order, on a few names, so that they meet.</summary>
internal sealed class RandomStorageWork(Random random)
{
    public async Task DoAsync(string connection, int steps)
    {
        var tables = new TableServiceClient(connection);
        var blobs = new BlobServiceClient(connection);
        for (var step = 0; step < steps; step++)
        {
            var table = tables.GetTableClient($"table{random.Next(3)}");
            var container = blobs.GetBlobContainerClient($"container{random.Next(3)}");
            await (random.Next(12) switch
            {
                0 => DropAsync(table),
                1 or 2 => InsertManyAsync(table),
                3 or 4 => UpsertAsync(table, TableUpdateMode.Merge),
                5 => UpsertAsync(table, TableUpdateMode.Replace),
                6 => RemoveAsync(table),
                7 => RemoveContainerAsync(container),
                8 or 9 => UploadAsync(container),
                10 => AppendAsync(container),
                _ => ChangeAsync(container),
            });
        }
    }

    private string Name() => $"n{random.Next(8)}";

    private TableEntity Row(string key) => new("p", key) { ["Value"] = random.Next(), [$"Only{random.Next(3)}"] = new string('x', random.Next(2000)) };

    private static async Task DropAsync(TableClient table)
    {
        await table.CreateIfNotExistsAsync();
        await table.DeleteAsync();
        await table.CreateIfNotExistsAsync();
    }

    private async Task InsertManyAsync(TableClient table)
    {
        await table.CreateIfNotExistsAsync();
        var rows = Enumerable.Range(0, random.Next(1, 40)).Select(number => Row($"batch{number}")).ToList();
        await table.SubmitTransactionAsync(rows.Select(row => new TableTransactionAction(TableTransactionActionType.UpsertReplace, row)));
        // One that fails in its middle leaves nothing behind.
        var wrong = new[] { Row("half"), Row("batch0") }.Select(row => new TableTransactionAction(TableTransactionActionType.Add, row));
        await FluentActions.Awaiting(() => table.SubmitTransactionAsync(wrong)).Should().ThrowAsync<TableTransactionFailedException>();
    }

    private async Task UpsertAsync(TableClient table, TableUpdateMode mode)
    {
        await table.CreateIfNotExistsAsync();
        await table.UpsertEntityAsync(Row(Name()), mode);
    }

    private async Task RemoveAsync(TableClient table)
    {
        await table.CreateIfNotExistsAsync();
        var name = Name();
        await table.UpsertEntityAsync(Row(name));
        await table.DeleteEntityAsync("p", name);
    }

    private async Task UploadAsync(BlobContainerClient container)
    {
        await container.CreateIfNotExistsAsync();
        var content = new byte[random.Next(20_000)];
        random.NextBytes(content);
        await container.GetBlobClient(Name()).UploadAsync(
            BinaryData.FromBytes(content), new BlobUploadOptions { Metadata = new Dictionary<string, string> { ["number"] = $"{random.Next()}" } });
    }

    private async Task AppendAsync(BlobContainerClient container)
    {
        await container.CreateIfNotExistsAsync();
        var log = container.GetAppendBlobClient("log");
        await log.CreateIfNotExistsAsync();
        await log.AppendBlockAsync(BinaryData.FromString($"{random.Next()}\n").ToStream());
    }

    private async Task ChangeAsync(BlobContainerClient container)
    {
        await UploadAsync(container);
        await foreach (var blob in container.GetBlobsAsync(cancellationToken: CancellationToken.None))
        {
            var client = container.GetBlobClient(blob.Name);
            if (random.Next(2) == 0)
            {
                await client.DeleteAsync();
            }
            else
            {
                await client.SetMetadataAsync(new Dictionary<string, string> { ["changed"] = $"{random.Next()}" });
            }
        }
    }

    private static async Task RemoveContainerAsync(BlobContainerClient container)
    {
        await container.CreateIfNotExistsAsync();
        await container.DeleteAsync();
    }
}

using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Local.Storage;

namespace MlOps.Local.Tests.Storage;

public sealed class AzuriteProcessTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-azurite-test-").FullName;

    [Fact]
    public async Task What_was_stored_a_moment_before_the_end_is_there_after_the_next_start()
    {
        await using (var first = await AzuriteProcess.StartAsync(folder, _ => { }, CancellationToken.None))
        {
            var container = new BlobContainerClient(first.ConnectionString, "kept");
            await container.CreateAsync();
            await container.UploadBlobAsync("greeting", BinaryData.FromString("hello"));
            var table = new TableClient(first.ConnectionString, "kept");
            await table.CreateAsync();
            await table.AddEntityAsync(new TableEntity("p", "r") { ["Value"] = 7 });
        }

        await using var second = await AzuriteProcess.StartAsync(folder, _ => { }, CancellationToken.None);

        var blob = await new BlobContainerClient(second.ConnectionString, "kept").GetBlobClient("greeting").DownloadContentAsync();
        blob.Value.Content.ToString().Should().Be("hello");
        var row = await new TableClient(second.ConnectionString, "kept").GetEntityAsync<TableEntity>("p", "r");
        row.Value.GetInt32("Value").Should().Be(7);
    }

    [Fact]
    public async Task Two_can_run_side_by_side_on_folders_of_their_own()
    {
        await using var first = await AzuriteProcess.StartAsync(Path.Combine(folder, "a"), _ => { }, CancellationToken.None);
        await using var second = await AzuriteProcess.StartAsync(Path.Combine(folder, "b"), _ => { }, CancellationToken.None);

        await new BlobContainerClient(first.ConnectionString, "only-here").CreateAsync();

        (await new BlobContainerClient(second.ConnectionString, "only-here").ExistsAsync()).Value.Should().BeFalse();
    }

    [Fact]
    public async Task A_broken_storage_file_is_named_with_what_to_do()
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "__azurite_db_table__.json"), "{ not json");

        var start = () => AzuriteProcess.StartAsync(folder, _ => { }, CancellationToken.None);

        (await start.Should().ThrowAsync<EnvironmentProblemException>())
            .WithMessage($"{Path.Combine(folder, "__azurite_db_table__.json")} cannot be read: * Restore a backup of {folder}.");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}

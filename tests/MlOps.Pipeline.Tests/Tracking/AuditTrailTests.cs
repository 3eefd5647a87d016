using Azure.Data.Tables;
using Azure.Storage.Blobs;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Tracking;

[Collection(AzuriteFixture.Collection)]
public sealed class AuditTrailTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task An_entry_whose_writing_was_done_and_not_answered_is_written_once()
    {
        await using var proxy = await StorageProxy.StartAsync(azurite.ConnectionString);
        var options = new TableClientOptions();
        options.Retry.Delay = TimeSpan.FromMilliseconds(20);
        var storage = new PipelineStorage(new BlobServiceClient(proxy.ConnectionString), new TableServiceClient(proxy.ConnectionString, options));
        var trail = new AuditTrail(storage, TimeProvider.System);
        var subject = AzuriteFixture.UniqueModel("models/lost");
        proxy.Faults = new StorageFaults(seed: 1, rate: 1)
        {
            Kinds = [StorageFault.LostAnswer],
            Among = (method, _) => method is "POST" or "PUT",
            Most = 1,
        };

        var entry = await trail.BeginAsync("ada", "promote", subject, default);

        proxy.Faults.Count.Should().Be(1);
        (await trail.ListAsync(1000, next: null, default)).Items.Where(one => one.Subject == subject).Should().Equal(entry);
    }
}

using MlOps.Testing;
using Xunit.Abstractions;

namespace MlOps.Local.Tests.Faults;

/// <summary>
/// Work of all kinds while requests to storage fail at random. <c>MLOPS_TEST_FAULTS</c> says how many rounds of it, <c>MLOPS_TEST_FAULT_RATE</c> how many
/// requests of a hundred fail.
/// </summary>
public sealed class FaultTests(AzuriteFixture azurite, ITestOutputHelper output) : IClassFixture<AzuriteFixture>, IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("mlops-faults-").FullName;

    [Fact]
    public async Task While_storage_fails_at_random_nothing_answered_is_lost_and_everything_ends_once_and_right()
    {
        var seed = TestSize.Seed;
        var faults = new StorageFaults(seed, TestSize.FaultRate / 100.0);
        output.WriteLine($"seed {seed}");
        await using var slack = await SlackEndpoint.StartAsync();
        await using var proxy = await StorageProxy.StartAsync(azurite.ConnectionString);
        var work = new FaultedWork(folder);
        await using (var host = await FaultedHost.StartAsync(proxy, Path.Combine(folder, "data"), slack.Url, FaultedHost.Impatient))
        {
            await work.PrepareAsync(host);
            proxy.Faults = faults;
            for (var round = 0; round < TestSize.Faults; round++)
            {
                await work.RoundAsync(host);
            }
            proxy.Faults = null;
            await work.SettleAsync(azurite.NewStorage());
        }

        output.WriteLine($"{faults}; answered: {work.Answered}");
        faults.Count.Should().BePositive();
        await work.AssertAsync(azurite.NewStorage(), slack, faults.ToString());
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}

using MlOps.Local.Hosting;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;
using MlOps.Testing;

namespace MlOps.Local.Tests.Hosting;

/// <summary>What is written of a reproduction whose run, or which itself, is another one by the time it ends.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class ReproductionStoreTests(AzuriteFixture azurite)
{
    private readonly string run = RunId.New(AzuriteFixture.UniqueModel(), DateTimeOffset.UtcNow);

    [Fact]
    public async Task What_ends_after_its_run_was_deleted_leaves_nothing()
    {
        var storage = azurite.NewStorage();
        var store = new ReproductionStore(storage);
        var state = await store.BeginAsync(Begun("ann"), default);
        await new RunStore(storage, TimeProvider.System).DeleteRecordsAsync(run, default);

        await store.EndAsync(Begun("ann") with { State = ReproductionState.Same }, state, default);

        (await store.FindAsync(run, default)).Should().BeNull();
    }

    [Fact]
    public async Task What_ends_after_another_has_begun_does_not_count()
    {
        var store = new ReproductionStore(azurite.NewStorage());
        var state = await store.BeginAsync(Begun("ann"), default);
        var next = await store.BeginAsync(Begun("bob"), default);

        await store.EndAsync(Begun("ann") with { State = ReproductionState.Same }, state, default);
        var meanwhile = await store.FindAsync(run, default);
        await store.EndAsync(Begun("bob") with { State = ReproductionState.Different }, next, default);
        var last = await store.FindAsync(run, default);

        (meanwhile!.By, meanwhile.State).Should().Be(("bob", ReproductionState.Running));
        (last!.By, last.State).Should().Be(("bob", ReproductionState.Different));
    }

    private Reproduction Begun(string by) => new() { RunId = run, State = ReproductionState.Running, By = by, Started = DateTimeOffset.UtcNow };
}

using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Versions;

/// <summary>What runs read when nobody names a file: what the definition pins, what was restored, else the newest file.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class RunSourceTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly PipelineHost host = new(azurite);
    private readonly PipelineDefinition definition = Trips.Definition();
    private string may = "";
    private string june = "";

    public async Task InitializeAsync()
    {
        await host.Get<DefinitionStore>().PutAsync(definition, default);
        may = await ReadAsync("may.csv", seed: 1);
        june = await ReadAsync("june.csv", seed: 2);
    }

    public Task DisposeAsync() => host.DisposeAsync().AsTask();

    [Fact]
    public async Task Without_a_pin_the_newest_file_is_read() => (await StartAsync()).Should().Be(($"raw/{definition.Model}/june.csv", null));

    [Fact]
    public async Task A_pinned_tag_is_followed_when_it_moves_and_what_has_started_stays()
    {
        await TagAsync("golden", may, movable: true);
        await PinAsync("golden");
        (await StartAsync()).Should().Be((StoredSource.Of(may), "golden"));

        await TagAsync("golden", june, movable: true);

        (await StartAsync()).Should().Be((StoredSource.Of(june), "golden"));
        (await StartAsync($"raw/{definition.Model}/may.csv")).Should().Be(($"raw/{definition.Model}/may.csv", null), "its file was named");
        var first = (await host.Get<RunStore>().ListAsync(definition.Model, 10, default)).Last(run => run.Data is not null);
        var again = await host.Get<RunStarter>().RetryAsync(first, default);
        (again.Source, again.Data).Should().Be((StoredSource.Of(may), "golden"), "a run that is tried again reads what it read");
    }

    [Theory]
    [InlineData(32)]
    [InlineData(8)]
    public async Task A_pinned_id_stays(int digits)
    {
        await PinAsync(may[..digits]);

        await ReadAsync("july.csv", seed: 3);

        (await StartAsync()).Should().Be((StoredSource.Of(may), may[..digits]));
    }

    [Fact]
    public async Task A_pin_that_leads_to_nothing_starts_no_run_and_says_what_to_do()
    {
        await PinAsync("golden");
        (await host.Get<RunStarter>().Awaiting(starter => starter.StartAsync(definition.Model, null, "schedule", default)).Should()
            .ThrowAsync<InputException>()).WithMessage("*pins data 'golden'*no dataset version 'golden'*data tag*change or leave out 'data'*");

        await TagAsync("golden", (await host.Get<DataLog>().ListAsync(definition.Model, "clean", 1, null, default)).Items[0].Id, movable: false);
        (await host.Get<RunStarter>().Awaiting(starter => starter.StartAsync(definition.Model, null, "schedule", default)).Should()
            .ThrowAsync<InputException>()).WithMessage("*is a clean table, and a run starts from a raw one*");
    }

    [Fact]
    public async Task What_was_restored_is_the_newest_until_a_newer_file_comes()
    {
        var (sources, versions, log) = (host.Get<RunSources>(), host.Get<DataVersions>(), host.Get<DataLog>());
        var restored = await sources.RestoreAsync(definition.Model, "latest~1", "Ann", default);
        restored.Id.Should().Be(may);

        (await versions.GetAsync(definition.Model, "latest", default)).Id.Should().Be(may);
        (await versions.GetAsync(definition.Model, "latest~1", default)).Id.Should().Be(june);
        (await log.ListAsync(definition.Model, "raw", 10, null, default)).Items.Select(version => version.Id).Should().Equal(may, june);
        (await log.ListAsync(definition.Model, null, 100, null, default)).Items.Select(version => version.Id).Should().OnlyHaveUniqueItems()
            .And.StartWith(may);
        (await StartAsync()).Should().Be((StoredSource.Of(may), "latest"));
        (await versions.GetAsync(definition.Model, "latest", default)).Restored.Should().Be(restored.Restored, "a run that has it moves nothing");

        await sources.RestoreAsync(definition.Model, june[..8], "Ann", default);
        await sources.RestoreAsync(definition.Model, may[..8], "Ann", default);
        (await log.ListAsync(definition.Model, "raw", 10, null, default)).Items.Select(version => version.Id).Should().Equal(may, june);

        await host.Storage.Raw.DeleteBlobAsync($"{definition.Model}/june.csv");
        (await StartAsync()).Should().Be((StoredSource.Of(may), "latest"), "the file that it was restored over is gone, which makes no older one newer");
        await ReadAsync("july.csv", seed: 3);
        (await StartAsync()).Should().Be(($"raw/{definition.Model}/july.csv", null));
    }

    [Fact]
    public async Task What_is_no_raw_version_is_not_restored()
    {
        var clean = (await host.Get<DataLog>().ListAsync(definition.Model, "clean", 1, null, default)).Items[0].Id;

        (await host.Get<RunSources>().Awaiting(sources => sources.RestoreAsync(definition.Model, clean, "Ann", default)).Should()
            .ThrowAsync<InputException>()).WithMessage("*is a clean table*");
        await host.Get<RunSources>().Awaiting(sources => sources.RestoreAsync(definition.Model, "none", "Ann", default)).Should()
            .ThrowAsync<InputException>();
    }

    [Fact]
    public async Task Restorations_at_the_same_moment_leave_each_version_once_in_the_log()
    {
        var ids = Enumerable.Range(0, 12).Select(i => i % 2 == 0 ? may : june).ToList();

        await Task.WhenAll(ids.Select(id => host.Get<RunSources>().RestoreAsync(definition.Model, id, "Ann", default)));

        var listed = (await host.Get<DataLog>().ListAsync(definition.Model, "raw", 100, null, default)).Items;
        listed.Select(version => version.Id).Should().BeEquivalentTo(may, june);
        (await host.Get<DataLog>().ListAsync(definition.Model, null, 100, null, default)).Items.Select(version => version.Id).Should().OnlyHaveUniqueItems();
    }

    private async Task<string> ReadAsync(string file, int seed)
    {
        // Storage tells times of files in whole seconds.
        var newest = (await host.Storage.Raw.GetBlobsAsync(default, default, definition.Model + "/", default).ToListAsync())
            .Max(blob => blob.Properties.LastModified);
        var blob = host.Storage.Raw.GetBlobClient($"{definition.Model}/{file}");
        do
        {
            await blob.UploadAsync(BinaryData.FromString(Trips.Csv(200, seed)), overwrite: true);
        }
        while ((await blob.GetPropertiesAsync()).Value.LastModified <= newest);
        var run = await host.Get<RunStarter>().StartAsync(definition.Model, $"raw/{definition.Model}/{file}", "test", default);
        return (await host.Get<DataLog>().ListOfRunAsync(definition.Model, run.RunId, default)).Single(use => use.Stage == "raw").Id;
    }

    private Task PinAsync(string name) => host.Get<DefinitionStore>().PutAsync(definition with { Data = name }, default);

    private Task TagAsync(string name, string version, bool movable) =>
        host.Get<DataTags>().SetAsync(definition.Model, new DataTag(name, version, movable, "Ann", default), default);

    /// <summary>What a run read that came to an end.</summary>
    private async Task<(string Source, string? Data)> StartAsync(string? source = null)
    {
        var run = await host.Get<RunStarter>().StartAsync(new RunRequest(definition.Model, source, "schedule") { Goal = RunGoal.Dataset }, default);
        run = (await host.Get<RunStore>().FindAsync(run.RunId, default))!;
        run.State.Should().Be(RunState.Succeeded, run.Error);
        return (run.Source, run.Data);
    }
}

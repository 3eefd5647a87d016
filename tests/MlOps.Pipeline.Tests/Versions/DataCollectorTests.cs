using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Deletion;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Versions;

/// <summary>On a storage of its own, as all versions are looked at.</summary>
public sealed class DataCollectorTests : IAsyncLifetime
{
    private readonly AzuriteFixture azurite = new();
    private readonly FakeTimeProvider time = new(DateTimeOffset.UtcNow);
    private readonly PipelineDefinition definition = Trips.Definition();
    private PipelineHost host = null!;

    public async Task InitializeAsync()
    {
        await azurite.InitializeAsync();
        host = new PipelineHost(azurite, services => services.AddSingleton<TimeProvider>(time));
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        await azurite.DisposeAsync();
    }

    [Fact]
    public async Task What_nothing_reaches_goes_and_what_a_run_a_version_or_a_tag_reaches_stays()
    {
        var served = await RunAsync("may.csv", seed: 1);
        var tagged = await RunAsync("june.csv", seed: 2);
        var forgotten = await RunAsync("july.csv", seed: 3);
        var (log, collector) = (host.Get<DataLog>(), host.Get<DataCollector>());
        var june = (await log.ListOfRunAsync(definition.Model, tagged.Run.RunId, default)).ToDictionary(use => use.Stage, use => use.Id);
        var july = await log.ListOfRunAsync(definition.Model, forgotten.Run.RunId, default);
        await host.Get<DataTags>().SetAsync(definition.Model, new DataTag("keep", june["clean"], Movable: false, "Ann", default), default);
        foreach (var run in new[] { tagged, forgotten })
        {
            await DeleteAsync(run);
        }
        (await collector.FindAsync(default)).Findings.Should().BeEmpty("what is younger than a day may be about to be reached");
        time.Advance(TimeSpan.FromDays(2));

        var found = await collector.FindAsync(default);
        var deleted = await collector.DeleteAsync(found, default);

        deleted.Bytes.Should().Be(found.Bytes).And.BePositive();
        var left = (await log.ListAsync(definition.Model, stage: null, 100, next: null, default)).Items.Select(version => version.Id).ToList();
        left.Should().NotContain(july.Select(use => use.Id)).And.Contain([june["raw"], june["clean"]]).And.NotContain(june["train"]);
        var kept = await log.ListOfRunAsync(definition.Model, served.Run.RunId, default);
        left.Should().Contain(kept.Select(use => use.Id));
        foreach (var id in left)
        {
            await host.Get<DatasetStore>().OpenAsync(await host.Get<DatasetStore>().GetAsync(id, default), default);
        }
        (await collector.FindAsync(default)).Findings.Should().BeEmpty();
        (await collector.VerifyAsync(default)).Broken.Should().BeEmpty();
        (await host.RunAsync(definition, host.WriteFile("july.csv", Trips.Csv(300, 3)))).Run.HasEnded.Should().BeTrue();
        (await log.ListAsync(definition.Model, "raw", 100, next: null, default)).Items.Should().HaveCount(3, "it is made again");
    }

    [Fact]
    public async Task A_view_that_is_too_young_to_go_keeps_what_it_is_a_view_of()
    {
        var versions = await ForgetAsync(await RunAsync("may.csv", seed: 1));
        await Task.Delay(TimeSpan.FromSeconds(2));
        (await host.Get<DatasetStore>().ReuseAsync(versions["train"], default)).Should().NotBeNull();
        var claimed = (await host.Storage.Datasets.GetBlobClient($"{versions["train"]}/manifest.json").GetPropertiesAsync()).Value.LastModified;
        time.AdjustTime(claimed.AddDays(1).AddSeconds(-1));
        var collector = host.Get<DataCollector>();

        var deleted = await collector.DeleteAsync(await collector.FindAsync(default), default);

        deleted.Findings.Select(finding => finding.Where).Should().Equal($"datasets/{versions["validation"]}");
        (await collector.VerifyAsync(default)).Broken.Should().BeEmpty();
        time.Advance(TimeSpan.FromDays(1));
        (await collector.DeleteAsync(await collector.FindAsync(default), default)).Findings.Select(finding => finding.Where["datasets/".Length..]).Should()
            .Equal([versions["train"], versions["features"], versions["clean"], versions["raw"]], "what was made from others goes before these");
    }

    [Fact]
    public async Task A_view_that_somebody_claims_after_it_was_found_keeps_what_it_is_a_view_of()
    {
        var versions = await ForgetAsync(await RunAsync("may.csv", seed: 1));
        time.Advance(TimeSpan.FromDays(2));
        var collector = host.Get<DataCollector>();
        var found = await collector.FindAsync(default);
        (await host.Get<DatasetStore>().ReuseAsync(versions["train"], default)).Should().NotBeNull();

        var deleted = await collector.DeleteAsync(found, default);

        found.Findings.Should().HaveCount(versions.Count);
        deleted.Findings.Select(finding => finding.Where).Should().Equal($"datasets/{versions["validation"]}");
        (await collector.VerifyAsync(default)).Broken.Should().BeEmpty();
    }

    [Fact]
    public async Task What_a_run_has_come_to_since_it_was_found_stays()
    {
        var forgotten = await RunAsync("may.csv", seed: 1);
        await DeleteAsync(forgotten);
        time.Advance(TimeSpan.FromDays(2));
        var collector = host.Get<DataCollector>();
        var found = await collector.FindAsync(default);
        found.Findings.Should().NotBeEmpty();

        await RunAsync("may.csv", seed: 1);

        (await collector.DeleteAsync(found, default)).Findings.Should().BeEmpty("the run has come to the very versions that were found");
        (await collector.VerifyAsync(default)).Broken.Should().BeEmpty();
    }

    [Fact]
    public async Task What_was_given_a_name_since_it_was_found_stays()
    {
        var forgotten = await RunAsync("may.csv", seed: 1);
        var clean = (await host.Get<DataLog>().ListOfRunAsync(definition.Model, forgotten.Run.RunId, default)).Single(use => use.Stage == "clean").Id;
        await DeleteAsync(forgotten);
        time.Advance(TimeSpan.FromDays(2));
        var collector = host.Get<DataCollector>();
        var found = await collector.FindAsync(default);
        found.Findings.Should().Contain(finding => finding.Where == $"datasets/{clean}");

        await host.Get<DataTags>().SetAsync(definition.Model, new DataTag("keep", clean, Movable: true, "Ann", default), default);

        var deleted = await collector.DeleteAsync(found, default);

        var tagged = (await host.Get<DatasetStore>().GetAsync(clean, default)).Parents.Append(clean).Select(id => $"datasets/{id}").ToList();
        deleted.Findings.Select(finding => finding.Where).Should().NotIntersectWith(tagged).And.NotBeEmpty("what nobody named goes");
        (await collector.VerifyAsync(default)).Broken.Should().BeEmpty();
        await host.Get<DatasetStore>().OpenAsync(await host.Get<DatasetStore>().GetAsync(clean, default), default);
    }

    [Fact]
    public async Task A_name_for_what_has_just_been_collected_is_refused()
    {
        var forgotten = await RunAsync("may.csv", seed: 1);
        var clean = (await host.Get<DataLog>().ListOfRunAsync(definition.Model, forgotten.Run.RunId, default)).Single(use => use.Stage == "clean").Id;
        await DeleteAsync(forgotten);
        time.Advance(TimeSpan.FromDays(2));
        await host.Get<DataCollector>().DeleteAsync(await host.Get<DataCollector>().FindAsync(default), default);

        (await host.Get<DataTags>().Awaiting(tags => tags.SetAsync(definition.Model, new DataTag("keep", clean, Movable: true, "Ann", default), default))
            .Should().ThrowAsync<InputException>()).WithMessage("*has just been collected*");
    }

    [Fact]
    public async Task A_run_that_waits_keeps_the_version_that_it_will_read()
    {
        var forgotten = await RunAsync("may.csv", seed: 1);
        var raw = (await host.Get<DataVersions>().GetAsync(definition.Model, "latest", default)).Id;
        await DeleteAsync(forgotten);
        await host.Get<RunStore>().CreateAsync(
            new Run
            {
                RunId = RunId.New(definition.Model, time.GetUtcNow()),
                Model = definition.Model,
                State = RunState.Queued,
                DefinitionId = forgotten.Run.DefinitionId,
                Source = StoredSource.Of(raw),
                Trigger = "test",
                Created = time.GetUtcNow(),
            },
            default);
        time.Advance(TimeSpan.FromDays(2));

        var deleted = await host.Get<DataCollector>().DeleteAsync(await host.Get<DataCollector>().FindAsync(default), default);

        deleted.Findings.Should().HaveCount(4, "the other stages' are nobody's, whoever works");
        (await host.Get<DatasetStore>().FindAsync(raw, default)).Should().NotBeNull();
    }

    [Fact]
    public async Task What_a_definition_pins_and_what_was_restored_stays()
    {
        await RunAsync("kept.csv", seed: 9);
        var runs = new[] { await RunAsync("may.csv", seed: 1), await RunAsync("june.csv", seed: 2), await RunAsync("july.csv", seed: 3) };
        var raw = (await host.Get<DataLog>().ListAsync(definition.Model, "raw", 3, null, default)).Items;
        foreach (var run in runs)
        {
            await DeleteAsync(run);
        }
        await host.Get<DefinitionStore>().PutAsync(definition with { Data = raw[2].Id[..8] }, default);
        await host.Get<RunSources>().RestoreAsync(definition.Model, raw[1].Id, "Ann", default);
        time.Advance(TimeSpan.FromDays(2));

        await host.Get<DataCollector>().DeleteAsync(await host.Get<DataCollector>().FindAsync(default), default);

        var left = (await host.Get<DataLog>().ListAsync(definition.Model, "raw", 10, null, default)).Items.Select(version => version.Id).ToList();
        left.Should().Contain([raw[1].Id, raw[2].Id]).And.NotContain(raw[0].Id);
    }

    [Fact]
    public async Task A_part_with_other_bytes_of_the_same_length_is_named()
    {
        await RunAsync("may.csv", seed: 1);
        var raw = await host.Get<DataVersions>().GetAsync(definition.Model, "latest", default);
        var part = (await host.Get<DatasetStore>().GetAsync(raw.Id, default)).Parts[0];
        var blob = host.Storage.Datasets.GetBlobClient($"{raw.Id}/{part.Name}");
        var bytes = (await blob.DownloadContentAsync()).Value.Content.ToArray();
        bytes[bytes.Length / 2] ^= 1;
        await blob.UploadAsync(BinaryData.FromBytes(bytes), overwrite: true);

        var (broken, versions) = await host.Get<DataCollector>().VerifyAsync(default);

        broken.Select(finding => finding.Where).Should().Equal($"datasets/{raw.Id}");
        broken[0].Problem.Should().Contain(part.Name);
        versions.Should().Be(5);
        (await host.Get<Doctor.StorageDoctor>().ExamineAsync(default)).IsSound.Should().BeTrue("lengths are as they were");
    }

    /// <summary>The versions of a run, which nothing reaches after this, by their stages.</summary>
    private async Task<IReadOnlyDictionary<string, string>> ForgetAsync(RunDetails run)
    {
        var had = (await host.Get<DataLog>().ListOfRunAsync(definition.Model, run.Run.RunId, default)).ToDictionary(use => use.Stage, use => use.Id);
        await DeleteAsync(run);
        return had;
    }

    private async Task DeleteAsync(RunDetails run)
    {
        if (await host.Get<ModelRegistry>().FindVersionOfAsync(definition.Model, run.Run.RunId, default) is { } version)
        {
            await PointAwayFromAsync(version);
            (await host.Get<ModelDeletion>().DeleteVersionAsync(definition.Model, version, default)).Refusal.Should().BeNull();
        }
        (await host.Get<RunDeletion>().DeleteAsync(run.Run.RunId, default)).Refusal.Should().BeNull();
    }

    private async Task PointAwayFromAsync(int version)
    {
        var model = (await host.Get<ModelRegistry>().FindAsync(definition.Model, default))!;
        foreach (var (alias, _) in model.Aliases.Where(alias => alias.Value == version))
        {
            if (version > 1)
            {
                await host.Get<ModelRegistry>().SetAliasAsync(definition.Model, alias, 1, "test", default);
            }
            else
            {
                await host.Get<ModelDeletion>().DeleteAliasAsync(definition.Model, alias, default);
            }
        }
    }

    private Task<RunDetails> RunAsync(string file, int seed) => host.RunAsync(definition, host.WriteFile(file, Trips.Csv(300, seed)));
}

using Azure.Storage.Blobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Deletion;
using MlOps.Pipeline.Doctor;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Deletion;

/// <summary>What a real run has made is deleted piece by piece; the doctor looks after each.</summary>
public sealed class DeletionTests(AzuriteFixture azurite) : IClassFixture<AzuriteFixture>, IAsyncLifetime
{
    private readonly PipelineHost host = new(azurite);
    private readonly string model = AzuriteFixture.UniqueModel();
    private Run run = null!;

    public async Task InitializeAsync()
    {
        var definition = Trips.Definition() with { Model = model, Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 3 }] };
        run = (await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(300, seed: Random.Shared.Next())))).Run;
        (await BrokenAsync()).Should().BeEmpty();
    }

    public Task DisposeAsync() => host.DisposeAsync().AsTask();

    [Fact]
    public async Task What_serves_and_what_it_comes_from_is_kept_and_the_reason_says_what_to_do()
    {
        var ofRun = await host.Get<RunDeletion>().DeleteAsync(run.RunId, default);
        var ofVersion = await host.Get<ModelDeletion>().DeleteVersionAsync(model, 1, default);
        var ofModel = await host.Get<ModelDeletion>().DeleteAsync(model, default);
        var ofDefinition = await host.Get<DefinitionDeletion>().DeleteAsync(model, default);

        ofRun.Refusal.Should().Be($"Run '{run.RunId}' registered version 1 of model '{model}', which is explained by it. Delete the version first: "
            + $"DELETE /models/{model}/versions/1, or 'delete version {model} 1'.");
        ofVersion.Refusal.Should().StartWith($"Alias 'candidate' points at version 1 of model '{model}'.").And.Contain($"'delete alias {model} candidate'");
        ofModel.Refusal.Should().StartWith($"Alias 'production' points at version 1 of model '{model}'.");
        ofDefinition.Refusal.Should().StartWith($"Version 1 of model '{model}' is in production").And.Contain($"'delete alias {model} production'");
        (await host.Get<ModelRegistry>().FindAsync(model, default))!.Production.Should().Be(1);
    }

    [Fact]
    public async Task Alias_model_definition_and_run_go_one_after_the_other_and_a_second_time_there_is_nothing()
    {
        var (models, registry) = (host.Get<ModelDeletion>(), host.Get<ModelRegistry>());
        Func<Task<DeletionResult>>[] inOrder =
        [
            () => models.DeleteAliasAsync(model, ModelAlias.Production, default), () => models.DeleteAsync(model, default),
            () => host.Get<DefinitionDeletion>().DeleteAsync(model, default), () => host.Get<RunDeletion>().DeleteAsync(run.RunId, default),
        ];

        foreach (var delete in inOrder)
        {
            (await delete()).Should().Be(DeletionResult.Done);
            (await delete()).Should().Be(DeletionResult.Unknown);
            (await BrokenAsync()).Should().BeEmpty();
        }

        (await registry.FindAsync(model, default)).Should().BeNull();
        (await registry.ListAsync(default)).Should().NotContain(found => found.Model == model);
        (await registry.ListHistoryAsync(model, default)).Select(change => (change.Alias, change.From, change.To)).Should().StartWith(
            [("candidate", 1, null), ("production", 1, null)]);
        (await host.Get<RunStore>().FindDetailsAsync(run.RunId, default)).Should().BeNull();
        (await NamesAsync(host.Storage.Artifacts, $"{run.RunId}/")).Should().BeEmpty();
        (await host.Get<DefinitionStore>().FindAsync(model, default)).Should().BeNull();
    }

    [Fact]
    public async Task What_a_deleted_run_shared_is_an_orphan_after_a_day_and_what_a_kept_one_uses_is_not()
    {
        var lineage = (await host.Get<ModelRegistry>().GetAsync(model, 1, default)).Lineage;
        var kept = (await host.RunAsync(Trips.Definition() with { Model = AzuriteFixture.UniqueModel() }, Path.Combine(host.WorkFolder, "trips.csv"))).Run;
        await DeleteAllAsync();
        var later = new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(2));
        await using var then = new PipelineHost(azurite, services => services.AddSingleton<TimeProvider>(later));

        var orphans = (await then.Get<StorageDoctor>().ExamineAsync(default)).Findings.Where(finding => finding.Kind == FindingKind.Orphan).ToList();
        orphans.Select(orphan => orphan.Where).Should().Contain(place => place.StartsWith("artifacts/models/", StringComparison.Ordinal))
            .And.Contain($"definitions/snapshots/{model}").And.NotContain($"datasets/{lineage.Raw}", "the kept run comes from the same file");
        await new Examination(orphans, 0, 0, 0, 0).RepairAsync(default);

        (await BrokenAsync()).Should().BeEmpty();
        (await host.Get<DatasetStore>().FindAsync(lineage.Raw, default)).Should().NotBeNull();
        await DeleteAllAsync(kept);
        orphans = [.. (await then.Get<StorageDoctor>().ExamineAsync(default)).Findings];
        await new Examination(orphans, 0, 0, 0, 0).RepairAsync(default);
        (await NamesAsync(host.Storage.Datasets, lineage.Raw)).Should().BeEmpty();
        (await host.Get<DatasetStore>().FindAsync(lineage.Raw, default)).Should().BeNull("this host had it in memory");
        (await then.Get<StorageDoctor>().ExamineAsync(default)).Findings.Should().NotContain(finding => finding.Where.Contains(lineage.Raw));
    }

    [Fact]
    public async Task What_runs_share_is_left_while_one_works()
    {
        await DeleteAllAsync();
        var later = new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(2));
        await using var then = new PipelineHost(azurite, services => services.AddSingleton<TimeProvider>(later));
        var orphans = (await then.Get<StorageDoctor>().ExamineAsync(default)).Findings.Where(
            finding => finding.Where.StartsWith("artifacts/models/", StringComparison.Ordinal)).ToList();
        var working = run with { RunId = RunId.New(model, DateTimeOffset.UtcNow), State = RunState.Running, Version = null, Ended = null };
        await host.Get<RunStore>().CreateAsync(working, default);

        var whileItWorks = await new Examination(orphans, 0, 0, 0, 0).RepairAsync(default);
        await host.Get<RunStore>().MarkEndedAsync(working.RunId, RunState.Cancelled, null, default);
        var after = await new Examination(orphans, 0, 0, 0, 0).RepairAsync(default);
        await host.Get<RunDeletion>().DeleteAsync(working.RunId, default);

        orphans.Should().NotBeEmpty();
        whileItWorks.Should().BeEmpty();
        after.Should().HaveCount(orphans.Count);
    }

    [Fact]
    public async Task A_deleted_version_leaves_its_number_and_its_place_in_the_trail()
    {
        var registry = host.Get<ModelRegistry>();
        var first = await registry.GetAsync(model, 1, default);
        for (var version = 2; version <= 3; version++)
        {
            await registry.RegisterAsync(first with { RunId = RunId.New(model, DateTimeOffset.UtcNow) }, default);
            await registry.SetAliasAsync(model, ModelAlias.Production, version, "test", default);
        }

        (await host.Get<ModelDeletion>().DeleteVersionAsync(model, 2, default)).Should().Be(DeletionResult.Done);
        (await host.Get<ModelDeletion>().DeleteVersionAsync(model, 2, default)).Should().Be(DeletionResult.Unknown);
        var back = await registry.RollbackAsync(model, from: 3, default);
        var next = await registry.RegisterAsync(first with { RunId = RunId.New(model, DateTimeOffset.UtcNow) }, default);

        back.Production.Should().Be(1, "version 2 is no version to go back to");
        next.Version.Should().Be(4);
        (await registry.ListVersionsAsync(model, default)).Select(version => version.Version).Should().Equal(4, 3, 1);
        (await registry.ListDeletedAsync(model, default)).Select(gone => gone.Version).Should().Equal(2);
        (await BrokenAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task An_alias_set_at_the_moment_of_the_deletion_keeps_its_version_or_is_told_that_there_is_none()
    {
        var registry = host.Get<ModelRegistry>();
        var first = await registry.GetAsync(model, 1, default);
        for (var i = 0; i < 6; i++)
        {
            var version = (await registry.RegisterAsync(first with { RunId = RunId.New(model, DateTimeOffset.UtcNow) }, default)).Version;
            await registry.SetAliasAsync(model, ModelAlias.Candidate, 1, "test", default);

            var deleting = host.Get<ModelDeletion>().DeleteVersionAsync(model, version, default);
            var pointing = Record.ExceptionAsync(() => registry.SetAliasAsync(model, "shadow", version, "test", default));
            await Task.WhenAll(deleting, pointing);

            ((await deleting).Refusal is not null).Should().Be(await pointing is null);
            (await BrokenAsync()).Should().BeEmpty();
            await registry.SetAliasAsync(model, "shadow", 1, "test", default);
        }
    }

    [Fact]
    public async Task A_file_that_an_unfinished_run_reads_is_kept()
    {
        await host.Storage.Raw.GetBlobClient($"{model}/may.csv").UploadAsync(BinaryData.FromString("a"));
        var reading = run with { RunId = RunId.New(model, DateTimeOffset.UtcNow), State = RunState.Queued, Source = $"raw/{model}/may.csv", Version = null };
        await host.Get<RunStore>().CreateAsync(reading, default);

        var refused = await host.Get<RawFileDeletion>().DeleteAsync(model, "may.csv", default);
        var unfinished = await host.Get<RunDeletion>().DeleteAsync(reading.RunId, default);
        var ofModel = await host.Get<DefinitionDeletion>().DeleteAsync(model, default);
        await host.Get<RunStore>().MarkEndedAsync(reading.RunId, RunState.Cancelled, null, default);

        refused.Refusal.Should().Be($"Run '{reading.RunId}' is to read 'raw/{model}/may.csv' and has not ended. Wait until it has, or "
            + $"POST /runs/{reading.RunId}/cancel first.");
        unfinished.Refusal.Should().StartWith($"Run '{reading.RunId}' is still queued.");
        ofModel.Refusal.Should().NotBeNull();
        (await host.Get<RawFileDeletion>().DeleteAsync(model, "may.csv", default)).Should().Be(DeletionResult.Done);
        (await host.Get<RawFileDeletion>().DeleteAsync(model, "may.csv", default)).Should().Be(DeletionResult.Unknown);
    }

    private async Task DeleteAllAsync(Run? of = null)
    {
        var (name, id) = (of?.Model ?? model, of?.RunId ?? run.RunId);
        await host.Get<ModelDeletion>().DeleteAliasAsync(name, ModelAlias.Production, default);
        await host.Get<ModelDeletion>().DeleteAsync(name, default);
        (await host.Get<RunDeletion>().DeleteAsync(id, default)).Should().Be(DeletionResult.Done);
    }

    private async Task<IReadOnlyList<Finding>> BrokenAsync() =>
        [.. (await host.Get<StorageDoctor>().ExamineAsync(default)).Findings.Where(finding => finding.Kind == FindingKind.Broken)];

    private static async Task<IReadOnlyList<string>> NamesAsync(BlobContainerClient container, string prefix) =>
        [.. await container.GetBlobsAsync(default, default, prefix, default).Select(blob => blob.Name).ToListAsync()];
}

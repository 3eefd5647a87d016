using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Azure.Data.Tables;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Specialized;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Deletion;
using MlOps.Pipeline.Doctor;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests;

/// <summary>One thing after another is broken in a storage of the class's own: of what other tests broke nothing is looked at.</summary>
public sealed class DoctorTests(AzuriteFixture azurite) : IClassFixture<AzuriteFixture>, IAsyncLifetime
{
    private readonly PipelineHost host = new(azurite);
    private HashSet<string> datasets = [];
    private RunDetails run = null!;

    public async Task InitializeAsync()
    {
        var definition = Trips.Definition() with
        {
            Model = AzuriteFixture.UniqueModel(),
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 3 }],
        };
        run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(300, seed: Random.Shared.Next())));
        var (raw, clean, features, train, validation, _) = (await host.Get<ModelRegistry>().GetAsync(run.Run.Model, 1, default)).Lineage;
        datasets = [raw, clean, features, train, validation];
    }

    public Task DisposeAsync() => host.DisposeAsync().AsTask();

    [Fact]
    public async Task What_a_run_leaves_is_whole() => (await FindingsAsync()).Should().BeEmpty();

    [Fact]
    public async Task A_version_that_is_gone_and_the_alias_and_run_that_name_it_are_told()
    {
        await host.Storage.Models.DeleteEntityAsync(run.Run.Model, "v|0000000001");

        (await FindingsAsync()).Select(finding => $"{finding.Where}: {finding.Problem}").Should().BeEquivalentTo(
            $"models/{run.Run.Model}: Version 1 is missing: their rows are gone. Restore a backup.",
            $"models/{run.Run.Model}: Alias 'candidate' points at version 1, which there is not. Point it at another: mlops promote "
                + $"{run.Run.Model} VERSION, or PUT /models/{run.Run.Model}/aliases/candidate.",
            $"models/{run.Run.Model}: Alias 'production' points at version 1, which there is not. Point it at another: mlops promote "
                + $"{run.Run.Model} VERSION, or PUT /models/{run.Run.Model}/aliases/production.",
            $"runs/{run.Run.RunId}: It made version 1, which the registry does not have. Restore a backup.");
    }

    [Fact]
    public async Task A_file_of_a_version_with_other_bytes_or_none_is_told()
    {
        var version = await host.Get<ModelRegistry>().GetAsync(run.Run.Model, 1, default);
        await host.Storage.Artifacts.GetBlobClient($"{version.ModelBlobs}/model.zip").UploadAsync(BinaryData.FromString("other"), overwrite: true);
        await host.Storage.Artifacts.GetBlobClient($"{version.ModelBlobs}/signature.json").DeleteAsync();

        (await FindingsAsync()).Select(finding => finding.Problem).Should().BeEquivalentTo(
            "Its file model.zip has other bytes than were registered, and is refused. Restore a backup, or train it again.",
            $"Its file signature.json is not in artifacts/{version.ModelBlobs}. Restore a backup, or train it again.");
    }

    [Fact]
    public async Task The_file_that_explains_a_version_has_a_registered_hash_too()
    {
        var version = await host.Get<ModelRegistry>().GetAsync(run.Run.Model, 1, default);
        var explainer = host.Storage.Artifacts.GetBlobClient($"{version.ModelBlobs}/explainer.json");
        version.Sha256.Should().Contain("explainer.json", ModelFiles.HashOf((await explainer.DownloadContentAsync()).Value.Content));

        await explainer.UploadAsync(BinaryData.FromString("{}"), overwrite: true);

        (await FindingsAsync()).Select(finding => finding.Problem).Should().Equal(
            "Its file explainer.json has other bytes than were registered, and is refused. Restore a backup, or train it again.");
    }

    [Fact]
    public async Task A_part_that_comes_between_two_pages_of_a_listing_is_not_missed()
    {
        var lineage = (await host.Get<ModelRegistry>().GetAsync(run.Run.Model, 1, default)).Lineage;
        var raw = await host.Get<DatasetStore>().GetAsync(lineage.Raw, default);
        var part = host.Storage.Datasets.GetBlobClient($"{raw.Id}/{raw.Parts[0].Name}");
        var content = (await part.DownloadContentAsync()).Value.Content;
        var hidden = new DuringListing(() => part.Delete(), () => part.Upload(content));
        await using var looking = new PipelineHost(azurite, services => services.AddSingleton(hidden.Storage(azurite)));

        var found = (await looking.Get<StorageDoctor>().ExamineAsync(default)).Findings.Where(IsOurs);

        hidden.Listings.Should().BeGreaterThan(0);
        found.Should().BeEmpty();
    }

    [Fact]
    public async Task A_part_that_a_listing_missed_is_read_again_as_all_are()
    {
        var lineage = (await host.Get<ModelRegistry>().GetAsync(run.Run.Model, 1, default)).Lineage;
        var raw = await host.Get<DatasetStore>().GetAsync(lineage.Raw, default);
        var part = host.Storage.Datasets.GetBlobClient($"{raw.Id}/{raw.Parts[0].Name}");
        var other = (await part.DownloadContentAsync()).Value.Content.ToArray();
        other[other.Length / 2] ^= 1;
        var hidden = new DuringListing(() => part.DeleteIfExists(), () => part.Upload(BinaryData.FromBytes(other), overwrite: true));
        await using var looking = new PipelineHost(azurite, services => services.AddSingleton(hidden.Storage(azurite)));

        var found = (await looking.Get<StorageDoctor>().ExamineAsync(rehash: true, default)).Findings.Where(IsOurs);

        hidden.Listings.Should().BeGreaterThan(0);
        found.Should().ContainSingle().Which.Problem.Should().Be($"Its part {raw.Parts[0].Name} has other bytes than were written. Restore a backup.");
    }

    /// <summary>Storage in which something is not there just while blobs of datasets are listed.</summary>
    private sealed class DuringListing(Action hide, Action show) : HttpPipelinePolicy
    {
        public int Listings { get; private set; }

        public PipelineStorage Storage(AzuriteFixture azurite)
        {
            var options = new BlobClientOptions();
            options.AddPolicy(this, HttpPipelinePosition.PerCall);
            return new PipelineStorage(new BlobServiceClient(azurite.ConnectionString, options), new TableServiceClient(azurite.ConnectionString));
        }

        public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
        {
            var url = message.Request.Uri.ToUri();
            if (!url.AbsolutePath.EndsWith("/datasets", StringComparison.Ordinal) || !url.Query.Contains("comp=list", StringComparison.Ordinal))
            {
                await ProcessNextAsync(message, pipeline);
                return;
            }
            hide();
            await ProcessNextAsync(message, pipeline);
            show();
            Listings++;
        }

        public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => ProcessNext(message, pipeline);
    }

    [Fact]
    public async Task A_part_that_is_gone_or_cut_and_a_lost_manifest_are_told()
    {
        var lineage = (await host.Get<ModelRegistry>().GetAsync(run.Run.Model, 1, default)).Lineage;
        var raw = await host.Get<DatasetStore>().GetAsync(lineage.Raw, default);
        await host.Storage.Datasets.GetBlobClient($"{raw.Id}/{raw.Parts[0].Name}").UploadAsync(BinaryData.FromString("cut"), overwrite: true);
        await host.Storage.Datasets.GetBlobClient($"{lineage.Train}/manifest.json").DeleteAsync();

        (await FindingsAsync()).Select(finding => finding.Problem).Should().ContainMatch($"Its part {raw.Parts[0].Name} has 3 bytes where * were written.*")
            .And.ContainMatch($"Dataset version {lineage.Train}, which it comes from, is not there.*").And.HaveCount(2);
    }

    [Fact]
    public async Task A_stage_that_runs_in_an_ended_run_is_mended()
    {
        await host.Get<RunStore>().LogStageAsync(run.Run.RunId, new StageStatus("drift", "", StageState.Running), default);

        var found = (await host.Get<StorageDoctor>().ExamineAsync(default)).Findings.Where(IsOurs).ToList();
        found.Should().ContainSingle().Which.Remedy.Should().Be("marks the stage as failed");
        await new Examination(found, 0, 0, 0, 0).RepairAsync(default);

        (await FindingsAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task What_nothing_refers_to_is_an_orphan_after_a_day_and_is_deleted()
    {
        var part = host.Storage.Datasets.GetBlobClient($"{Guid.NewGuid():N}/{Guid.NewGuid():N}.parquet");
        await part.UploadAsync(BinaryData.FromString("left"));
        var later = new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(2));
        await using var then = new PipelineHost(azurite, services => services.AddSingleton<TimeProvider>(later));

        (await host.Get<StorageDoctor>().ExamineAsync(default)).Findings.Should().NotContain(finding => finding.Where == $"datasets/{part.Name.Split('/')[0]}");
        var orphan = (await then.Get<StorageDoctor>().ExamineAsync(default)).Findings.Single(finding => finding.Where == $"datasets/{part.Name.Split('/')[0]}");
        (orphan.Kind, orphan.Bytes).Should().Be((FindingKind.Orphan, 4));
        await new Examination([orphan], 0, 0, 0, 0).RepairAsync(default);

        (await part.ExistsAsync()).Value.Should().BeFalse();
    }

    [Fact]
    public async Task An_orphan_that_is_written_again_meanwhile_is_left()
    {
        var part = host.Storage.Datasets.GetBlobClient($"{Guid.NewGuid():N}/{Guid.NewGuid():N}.parquet");
        await part.UploadAsync(BinaryData.FromString("left"));
        var later = new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(2));
        await using var then = new PipelineHost(azurite, services => services.AddSingleton<TimeProvider>(later));
        var orphan = (await then.Get<StorageDoctor>().ExamineAsync(default)).Findings.Single(finding => finding.Where == $"datasets/{part.Name.Split('/')[0]}");

        await part.UploadAsync(BinaryData.FromString("needed"), overwrite: true);
        await new Examination([orphan], 0, 0, 0, 0).RepairAsync(default);

        (await part.DownloadContentAsync()).Value.Content.ToString().Should().Be("needed");
    }

    [Fact]
    public async Task A_run_that_registered_two_versions_is_told()
    {
        var registry = host.Get<ModelRegistry>();
        var first = await registry.GetAsync(run.Run.Model, 1, default);
        await registry.RegisterAsync(first with { RunId = RunId.New(run.Run.Model, DateTimeOffset.UtcNow) }, default);
        var second = (await host.Storage.Models.GetEntityAsync<TableEntity>(run.Run.Model, "v|0000000002")).Value;
        second["Json"] = Json.Write(first with { Version = 2 });
        await host.Storage.Models.UpdateEntityAsync(second, second.ETag);

        var found = await FindingsAsync();

        found.Should().ContainSingle().Which.Should().BeEquivalentTo(new Finding(
            FindingKind.Broken, $"models/{run.Run.Model}", $"Run {run.Run.RunId} registered versions 1, 2; a run registers one."));
    }

    [Fact]
    public async Task A_version_that_is_not_on_the_row_of_its_run_is_told_and_written_there()
    {
        await host.Get<RunStore>().UpdateAsync(run.Run.RunId, row => row with { Version = null }, default);

        var found = await FindingsAsync();
        found.Should().ContainSingle().Which.Problem.Should().Be("It registered version 1, and its row does not say so.");
        (found[0].Kind, found[0].Where, found[0].Remedy).Should().Be((FindingKind.Broken, $"runs/{run.Run.RunId}", "writes version 1 on it"));
        (await new Examination(found, 0, 0, 0, 0).RepairAsync(default)).Should().Equal(found);

        (await host.Get<RunStore>().FindAsync(run.Run.RunId, default))!.Version.Should().Be(1);
        (await FindingsAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task A_lost_snapshot_of_a_definition_is_told()
    {
        await host.Storage.Definitions.GetBlobClient($"snapshots/{run.Run.DefinitionId}.json").DeleteAsync();

        (await FindingsAsync()).Should().ContainSingle().Which.Should().BeEquivalentTo(new Finding(
            FindingKind.Broken, $"runs/{run.Run.RunId}",
            $"Its definition {run.Run.DefinitionId} is not there, so that it cannot go on or be understood. Restore a backup."));
    }

    [Fact]
    public async Task Records_without_a_run_are_orphans_after_a_day_and_are_deleted()
    {
        var lost = RunId.New(run.Run.Model, DateTimeOffset.UtcNow);
        await host.Get<RunStore>().LogStageAsync(lost, new StageStatus("ingest", "", StageState.Running), default);
        await host.Get<RunStore>().LogMetricsAsync(lost, new Dictionary<string, double> { ["rmse"] = 1 }, default);

        (await FindingsAsync()).Should().BeEmpty("they may be just being written");
        var found = await FindingsAsync(TimeSpan.FromDays(2));
        found.Should().ContainSingle().Which.Should().BeEquivalentTo(
            new { Kind = FindingKind.Orphan, Where = $"runrecords/{lost}", Problem = "2 rows of a run that there is not.", Remedy = "deletes them" });
        (await new Examination(found, 0, 0, 0, 0).RepairAsync(default)).Should().Equal(found);

        (await RecordsOfAsync(lost)).Should().Be(0);
        (await RecordsOfAsync(run.Run.RunId)).Should().BePositive("only those without a run are nobody's");
    }

    [Fact]
    public async Task Records_whose_run_has_come_meanwhile_are_left()
    {
        var late = RunId.New(run.Run.Model, DateTimeOffset.UtcNow);
        await host.Get<RunStore>().LogStageAsync(late, new StageStatus("ingest", "", StageState.Running), default);
        var found = await FindingsAsync(TimeSpan.FromDays(2));
        await host.Get<RunStore>().CreateAsync(Unfinished(RunState.Queued) with { RunId = late }, default);

        (await new Examination(found, 0, 0, 0, 0).RepairAsync(default)).Should().BeEmpty();

        found.Should().ContainSingle();
        (await RecordsOfAsync(late)).Should().Be(1);
    }

    [Fact]
    public async Task A_run_that_counts_as_running_and_that_no_host_has_is_told_and_nothing_is_broken()
    {
        var left = Unfinished(RunState.Running);
        await host.Get<RunStore>().CreateAsync(left, default);
        var blob = host.Storage.Leases.GetBlobClient(left.RunId);
        await blob.UploadAsync(BinaryData.FromString(""));
        var lease = blob.GetBlobLeaseClient();
        await lease.AcquireAsync(TimeSpan.FromSeconds(15));

        (await FindingsAsync(Later)).Should().BeEmpty("a host has it");
        // A host that is killed does not give it back.
        await Eventually.IsTrueAsync(async () => (await FindingsAsync(Later)).Count > 0, deadline: TimeSpan.FromSeconds(30));
        (await FindingsAsync()).Should().BeEmpty("another host may be about to take it");
        var found = (await FindingsAsync(Later)).Should().ContainSingle().Which;

        found.Should().BeEquivalentTo(new { Kind = FindingKind.Stopped, Where = $"runs/{left.RunId}", Remedy = (string?)null });
        found.Problem.Should().Be("It counts as running, and no host has it: the one that had is gone. Nothing is lost; a host on this storage goes on with it "
            + "by itself (mlops up, where none runs).");
        new Examination([found], 0, 0, 0, 0).IsSound.Should().BeTrue();
    }

    [Theory]
    [InlineData(RunState.Queued, true)]
    [InlineData(RunState.Waiting, true)]
    [InlineData(RunState.Cancelled, true)]
    [InlineData(RunState.Running, false)]
    public async Task A_run_that_waits_or_has_ended_or_that_another_engine_has_is_no_finding(RunState state, bool hadOwner)
    {
        var other = Unfinished(state);
        await host.Get<RunStore>().CreateAsync(other, default);
        if (hadOwner)
        {
            await host.Storage.Leases.GetBlobClient(other.RunId).UploadAsync(BinaryData.FromString(""));
        }
        if (other.HasEnded)
        {
            await host.Get<RunStore>().MarkEndedAsync(other.RunId, state, null, default);
        }

        (await FindingsAsync(Later)).Should().BeEmpty();
    }

    [Theory]
    [InlineData(RunState.Queued)]
    [InlineData(RunState.Waiting)]
    public async Task A_stage_that_runs_in_a_run_that_no_host_has_is_told(RunState state)
    {
        var left = Unfinished(state);
        await host.Get<RunStore>().CreateAsync(left, default);
        await host.Storage.Leases.GetBlobClient(left.RunId).UploadAsync(BinaryData.FromString(""));
        (await FindingsAsync(Later)).Should().BeEmpty("nobody has to have it");

        await host.Get<RunStore>().LogStageAsync(left.RunId, new StageStatus("await-approval", "", StageState.Running), default);

        (await FindingsAsync()).Should().BeEmpty("it was written to a moment ago");
        (await FindingsAsync(Later)).Should().ContainSingle().Which.Should().BeEquivalentTo(new Finding(
            FindingKind.Stopped, $"runs/{left.RunId}", "A stage of it counts as running, and no host has it: the one that had is gone. Nothing is lost; a host "
                + "on this storage goes on with it by itself (mlops up, where none runs)."));
    }

    [Fact]
    public async Task An_alias_that_stays_on_a_deleted_version_is_told()
    {
        var registry = host.Get<ModelRegistry>();
        var first = await registry.GetAsync(run.Run.Model, 1, default);
        await registry.RegisterAsync(first with { RunId = RunId.New(run.Run.Model, DateTimeOffset.UtcNow) }, default);
        await registry.SetAliasAsync(run.Run.Model, "old", 2, "test", default);
        await registry.SetAliasAsync(run.Run.Model, "candidate", 1, "test", default);
        await registry.RemoveAliasAsync(run.Run.Model, "old", "test", default);
        await host.Get<ModelDeletion>().DeleteVersionAsync(run.Run.Model, 2, default);
        (await FindingsAsync()).Should().BeEmpty("it was deleted as it should be");

        var head = (await host.Storage.Models.GetEntityAsync<TableEntity>(run.Run.Model, "head")).Value;
        head["Aliases"] = Json.Write(new Dictionary<string, int> { ["production"] = 1, ["candidate"] = 1, ["old"] = 2 });
        await host.Storage.Models.UpdateEntityAsync(head, head.ETag);

        (await FindingsAsync()).Should().ContainSingle().Which.Problem.Should().StartWith("Alias 'old' points at version 2, which there is not.");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("{ \"state\": ")]
    [InlineData("""{ "format": 99 }""")]
    public async Task A_run_without_readable_state_is_told_and_nothing_is_taken_for_garbage(string? stored)
    {
        var row = (await host.Storage.Runs.GetEntityAsync<TableEntity>(run.Run.Model, run.Run.RunId)).Value;
        var whole = row.GetString("Json");
        row["Json"] = stored;
        await host.Storage.Runs.UpdateEntityAsync(row, row.ETag, TableUpdateMode.Replace);
        try
        {
            var later = await FindingsAsync(TimeSpan.FromDays(2));
            later.Should().ContainSingle().Which.Should().BeEquivalentTo(
                new { Kind = FindingKind.Broken, Where = $"runs/{run.Run.RunId}", Remedy = (string?)null });
            later[0].Problem.Should().StartWith("It cannot be read: ").And.Contain("Restore a backup");
            await host.Get<DataCollector>().Awaiting(collector => collector.FindAsync(default)).Should().ThrowAsync<InputException>()
                .WithMessage($"Nothing can be told to be garbage: runs/{run.Run.RunId} cannot be read*");
        }
        finally
        {
            row["Json"] = whole;
            await host.Storage.Runs.UpdateEntityAsync(row, ETag.All, TableUpdateMode.Replace);
        }
    }

    [Fact]
    public async Task A_model_a_manifest_and_a_record_that_cannot_be_read_are_told()
    {
        var version = await host.Get<ModelRegistry>().GetAsync(run.Run.Model, 1, default);
        var row = (await host.Storage.Models.GetEntityAsync<TableEntity>(run.Run.Model, "v|0000000001")).Value;
        var manifest = host.Storage.Datasets.GetBlobClient($"{version.Lineage.Train}/manifest.json");
        var stored = (await manifest.DownloadContentAsync()).Value.Content;
        row["Json"] = "{";
        await host.Storage.Models.UpdateEntityAsync(row, row.ETag);
        await manifest.UploadAsync(BinaryData.FromString("{"), overwrite: true);
        var record = (await host.Storage.RunRecords.QueryAsync<TableEntity>(record => record.PartitionKey == run.Run.RunId).ToListAsync())
            .First(record => record.RowKey.StartsWith("stage|", StringComparison.Ordinal));
        var status = record.GetString("Json");
        record["Json"] = "{";
        await host.Get<RunStore>().UpdateAsync(run.Run.RunId, state => state with { State = RunState.Waiting, Ended = null }, default);
        await host.Storage.RunRecords.UpdateEntityAsync(record, record.ETag);
        try
        {
            (await FindingsAsync()).Select(finding => finding.Where).Should().BeEquivalentTo(
                $"models/{run.Run.Model}", $"datasets/{version.Lineage.Train}", $"runrecords/{run.Run.RunId}/{record.RowKey}");
        }
        finally
        {
            await manifest.UploadAsync(stored, overwrite: true);
            row["Json"] = Json.Write(version);
            await host.Storage.Models.UpdateEntityAsync(row, ETag.All);
            record["Json"] = status;
            await host.Storage.RunRecords.UpdateEntityAsync(record, ETag.All);
        }
    }

    [Fact]
    public async Task A_name_of_data_that_cannot_be_read_is_told()
    {
        var raw = (await host.Get<ModelRegistry>().GetAsync(run.Run.Model, 1, default)).Lineage.Raw;
        await host.Get<DataTags>().SetAsync(run.Run.Model, new DataTag("first", raw, Movable: true, "test", default), default);
        var row = (await host.Storage.DataVersions.GetEntityAsync<TableEntity>(run.Run.Model, "t|first")).Value;
        var whole = row.GetString("Json");
        row["Json"] = "{";
        await host.Storage.DataVersions.UpdateEntityAsync(row, row.ETag);
        try
        {
            (await host.Get<StorageDoctor>().ExamineAsync(default)).Findings.Should().Contain(
                finding => finding.Where == "dataversions" && finding.Problem.StartsWith("It cannot be read: "));
        }
        finally
        {
            row["Json"] = whole;
            await host.Storage.DataVersions.UpdateEntityAsync(row, ETag.All);
        }
    }

    [Fact]
    public async Task Task_hubs_of_other_apps_say_nothing_of_runs()
    {
        var other = Unfinished(RunState.Queued);
        await host.Get<RunStore>().CreateAsync(other, default);
        var tables = new TableServiceClient(azurite.ConnectionString);
        var instances = tables.GetTableClient("OtherInstances");
        await instances.CreateAsync();
        await tables.CreateTableAsync("OtherHistory");
        try
        {
            await instances.AddEntityAsync(new TableEntity("order-1", "") { ["Name"] = "ShipOrder", ["RuntimeStatus"] = "Running" });
            var foreign = await FindingsAsync(Later);
            await instances.AddEntityAsync(new TableEntity("earlier", "") { ["Name"] = "TrainModel", ["RuntimeStatus"] = "Completed" });
            var ours = await FindingsAsync(Later);

            foreign.Should().BeEmpty("no Functions app of runs is here");
            ours.Should().ContainSingle().Which.Where.Should().Be($"runs/{other.RunId}");
        }
        finally
        {
            await instances.DeleteAsync();
            await tables.DeleteTableAsync("OtherHistory");
        }
    }

    [Fact]
    public async Task A_run_that_logs_is_somebodys()
    {
        var working = Unfinished(RunState.Running) with { Started = DateTimeOffset.UtcNow.AddHours(-1) };
        await host.Get<RunStore>().CreateAsync(working, default);
        await host.Storage.Leases.GetBlobClient(working.RunId).UploadAsync(BinaryData.FromString(""));
        (await FindingsAsync()).Should().ContainSingle();

        await host.Get<RunStore>().LogStageAsync(working.RunId, new StageStatus("train", "", StageState.Running), default);

        (await FindingsAsync()).Should().BeEmpty("it was written to a moment ago");
    }

    /// <summary>Longer than a host may have a run without saying so again.</summary>
    private static readonly TimeSpan Later = TimeSpan.FromMinutes(3);

    private Run Unfinished(RunState state) =>
        run.Run with { RunId = RunId.New(run.Run.Model, DateTimeOffset.UtcNow), State = state, Version = null, Ended = null, Started = DateTimeOffset.UtcNow };

    private async Task<int> RecordsOfAsync(string runId) =>
        await host.Storage.RunRecords.QueryAsync<TableEntity>(row => row.PartitionKey == runId).CountAsync();

    private async Task<IReadOnlyList<Finding>> FindingsAsync(TimeSpan later)
    {
        await using var then = new PipelineHost(
            azurite, services => services.AddSingleton<TimeProvider>(new FakeTimeProvider(DateTimeOffset.UtcNow + later)));
        return [.. (await then.Get<StorageDoctor>().ExamineAsync(default)).Findings.Where(IsOurs)];
    }

    private async Task<IReadOnlyList<Finding>> FindingsAsync() => [.. (await host.Get<StorageDoctor>().ExamineAsync(default)).Findings.Where(IsOurs)];

    /// <summary>About the test's own model and the dataset versions that it alone has.</summary>
    private bool IsOurs(Finding finding) => finding.Where.Contains(run.Run.Model, StringComparison.Ordinal)
        || (finding.Where.StartsWith("datasets/", StringComparison.Ordinal) && datasets.Contains(finding.Where["datasets/".Length..]));
}

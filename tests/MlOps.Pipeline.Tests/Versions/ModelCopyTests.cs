using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Doctor;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Versions;

/// <summary>Between two storage accounts.</summary>
public sealed class ModelCopyTests : IAsyncLifetime
{
    private readonly AzuriteFixture here = new();
    private readonly AzuriteFixture other = new();
    private readonly PipelineDefinition definition = Trips.Definition();
    private PipelineHost host = null!;
    private PipelineHost there = null!;

    public async Task InitializeAsync()
    {
        await Task.WhenAll(here.InitializeAsync(), other.InitializeAsync());
        (host, there) = (new PipelineHost(here), new PipelineHost(other));
        await host.RunAsync(definition, host.WriteFile("may.csv", Trips.Csv(300, 1)));
        await host.RunAsync(definition, host.WriteFile("june.csv", Trips.Csv(300, 2)));
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        await there.DisposeAsync();
        await Task.WhenAll(here.DisposeAsync(), other.DisposeAsync());
    }

    [Fact]
    public async Task A_version_comes_with_its_files_its_card_and_its_run_and_serves_nothing_by_itself()
    {
        var copied = await CopyAsync(2);

        copied.Version.Should().Be(1);
        copied.From.Should().Be(new CopiedFrom(ModelCopy.AccountOf(host.Storage), definition.Model, 2));
        var original = await host.Get<ModelRegistry>().GetAsync(definition.Model, 2, default);
        copied.Sha256.Should().BeEquivalentTo(original.Sha256);
        (await there.Get<ModelRegistry>().FindAsync(definition.Model, default))!.Production.Should().BeNull();
        var (run, its) = ((await host.Get<RunStore>().FindDetailsAsync(original.RunId, default))!,
            (await there.Get<RunStore>().FindDetailsAsync(original.RunId, default))!);
        its.Metrics.Should().Equal(run.Metrics);
        its.Stages.Select(stage => stage.Stage).Should().BeEquivalentTo(run.Stages.Select(stage => stage.Stage));
        (its.Run.Version, its.Run.Promoted).Should().Be((1, false));
        its.Artifacts.Select(artifact => artifact.Path).Should().BeEquivalentTo(run.Artifacts.Select(artifact => artifact.Path)).And.Contain("model-card.html");
        foreach (var artifact in its.Artifacts)
        {
            (await there.Get<ArtifactStore>().ReadAsync(artifact.Blob, default)).ToArray().Should()
                .Equal((await host.Get<ArtifactStore>().ReadAsync(artifact.Blob, default)).ToArray(), artifact.Path);
        }
        (await there.Get<DefinitionStore>().GetSnapshotAsync(copied.DefinitionId, default)).Target.Should().Be(definition.Target);
        (await there.Get<DefinitionStore>().FindAsync(definition.Model, default)).Should().BeNull("nothing begins to run by itself there");
        (await there.Get<StorageDoctor>().ExamineAsync(default)).Findings.Should().BeEmpty();
        (await StoredModel.LoadAsync(there.Get<ArtifactStore>(), copied.ToFiles(), default)).Should().NotBeNull();
    }

    [Fact]
    public async Task The_same_again_is_the_same_version_and_others_get_the_next_numbers()
    {
        (await CopyAsync(1)).Version.Should().Be(1);
        (await CopyAsync(1)).Version.Should().Be(1);
        (await CopyAsync(2)).Version.Should().Be(2);
        (await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => CopyAsync(2)))).Select(copied => copied.Version).Should().OnlyContain(version => version == 2);
        await there.Get<ModelRegistry>().SetAliasAsync(definition.Model, ModelAlias.Production, 1, "by hand", default);

        await CopyAsync(2);

        (await there.Get<ModelRegistry>().FindAsync(definition.Model, default))!.Production.Should().Be(1);
        (await there.Get<ModelRegistry>().ListVersionsAsync(definition.Model, default)).Should().HaveCount(2);
    }

    [Fact]
    public async Task With_data_the_rows_are_there_too_and_a_run_trains_on_them()
    {
        var copied = await CopyAsync(1, withData: true);

        var versions = there.Get<DataVersions>();
        (await versions.GetAsync(definition.Model, "latest", default)).Id.Should().Be(copied.Lineage.Raw);
        (await versions.GetAsync(definition.Model, "v1:train", default)).Id.Should().Be(copied.Lineage.Train);
        await there.Get<DatasetStore>().OpenAsync(await there.Get<DatasetStore>().GetAsync(copied.Lineage.Validation, default), default);
        var (broken, looked) = await there.Get<DataCollector>().VerifyAsync(default);
        (broken.Count, looked).Should().Be((0, 5));
        var again = await there.RunAsync(definition, StoredSource.Of(copied.Lineage.Raw));
        again.Run.State.Should().BeOneOf(RunState.Succeeded, RunState.Blocked);
        again.Metrics["val_rmse"].Should().Be(copied.Metrics["val_rmse"]);
    }

    [Fact]
    public async Task Wherever_it_dies_the_same_again_goes_on_and_nothing_is_broken()
    {
        for (var writes = 0; ; writes = writes < 6 ? writes + 1 : writes + 7)
        {
            var death = new Dying(writes);
            var fault = await Record.ExceptionAsync(
                () => host.Get<ModelCopy>().CopyAsync(definition.Model, 1, new ModelCopyTarget(death.Storage(other), WithData: true), default));
            (fault is ProcessDiedException).Should().Be(death.IsDead, "{0}", fault);
            (await BrokenAsync()).Should().BeEmpty("it died after {0} writes", writes);
            if (!death.IsDead)
            {
                writes.Should().BeGreaterThan(20);
                break;
            }
        }
        (await CopyAsync(1, withData: true)).Version.Should().Be(1);
        (await there.Get<ModelRegistry>().ListVersionsAsync(definition.Model, default)).Should().ContainSingle();
        (await there.Get<RunStore>().ListAsync(null, 10, default)).Should().ContainSingle().Which.Version.Should().Be(1);
    }

    [Fact]
    public async Task A_model_that_learns_something_else_there_is_not_mixed_with_unless_said()
    {
        var other = new PipelineDefinition { Model = definition.Model, Target = "miles", Candidates = definition.Candidates };
        await there.RunAsync(other, there.WriteFile("may.csv", Trips.Csv(300, 1)));

        (await this.Awaiting(test => test.CopyAsync(1)).Should().ThrowAsync<InputException>()).WithMessage("*predicts 'miles'*this version 'fare'*--force*");
        (await CopyAsync(1, force: true)).Version.Should().Be(2);
    }

    [Fact]
    public async Task A_file_that_was_changed_is_not_copied_and_one_account_is_no_other()
    {
        var version = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        (await host.Get<ModelCopy>().Awaiting(copy => copy.CopyAsync(definition.Model, 1, new ModelCopyTarget(here.NewStorage()), default)).Should()
            .ThrowAsync<InputException>()).WithMessage("*same storage account*");
        (await this.Awaiting(test => test.CopyAsync(9)).Should().ThrowAsync<InputException>()).WithMessage("*no version 9*");
        await host.Storage.Artifacts.GetBlobClient($"{version.ModelBlobs}/model.zip").UploadAsync(BinaryData.FromString("other"), overwrite: true);

        (await this.Awaiting(test => test.CopyAsync(1)).Should().ThrowAsync<InputException>()).WithMessage("*was changed after its model was stored*");

        (await there.Get<ModelRegistry>().FindAsync(definition.Model, default)).Should().BeNull();
    }

    private async Task<IReadOnlyList<string>> BrokenAsync() =>
    [
        .. (await there.Get<StorageDoctor>().ExamineAsync(default)).Findings
            .Where(finding => finding is { Kind: FindingKind.Broken, Remedy: null }).Select(finding => $"{finding.Where}: {finding.Problem}"),
    ];

    private Task<ModelVersion> CopyAsync(int version, bool withData = false, bool force = false) =>
        host.Get<ModelCopy>().CopyAsync(definition.Model, version, new ModelCopyTarget(other.NewStorage(), withData, force), default);
}

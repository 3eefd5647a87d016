using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Registry;

[Collection(AzuriteFixture.Collection)]
public sealed class ModelFilesTests(AzuriteFixture azurite)
{
    private static readonly CandidateSpec Good = new() { Trainer = TrainerNames.LightGbm, Trees = 40, EarlyStopping = 0 };
    private static readonly CandidateSpec Poor = new() { Trainer = TrainerNames.LightGbm, Trees = 2, EarlyStopping = 0 };

    private static int tables = 7100;

    /// <summary>Models of the same rows are one model, whose files a test here changes: each test has rows of its own.</summary>
    private readonly int rows = Interlocked.Increment(ref tables);

    [Fact]
    public async Task A_version_keeps_the_hash_of_each_of_its_files()
    {
        await using var host = new PipelineHost(azurite);

        var version = await RegisterAsync(host, Trips.Definition() with { Candidates = [Poor] });

        version.Sha256!.Keys.Should().Contain(["model.zip", "featurizer.json", "signature.json", "training_features.txt"]);
        foreach (var (file, hash) in version.Sha256!)
        {
            ModelFiles.HashOf(await host.Get<ArtifactStore>().ReadAsync($"{version.ModelBlobs}/{file}", default)).Should().Be(hash);
        }
    }

    [Theory]
    [InlineData("model.zip")]
    [InlineData("featurizer.json")]
    [InlineData("signature.json")]
    public async Task A_changed_file_of_a_version_is_refused(string file)
    {
        await using var host = new PipelineHost(azurite);
        var version = await RegisterAsync(host, Trips.Definition() with { Candidates = [Poor] });
        await AppendSpaceAsync(host, $"{version.ModelBlobs}/{file}");

        var load = () => ModelScorer.LoadAsync(host.Get<ArtifactStore>(), host.Get<FeatureFunctions>(), version.ToFiles(), default);

        (await load.Should().ThrowAsync<InputException>()).WithMessage($"The file 'artifacts/{version.ModelBlobs}/{file}' was changed *SHA-256*");
    }

    [Fact]
    public async Task A_new_version_is_not_compared_with_a_production_whose_file_was_changed()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with { Candidates = [Poor] };
        var production = await RegisterAsync(host, definition);
        await AppendSpaceAsync(host, $"{production.ModelBlobs}/featurizer.json");

        var run = await host.RunAsync(definition with { Candidates = [Good] }, host.WriteFile("trips.csv", Trips.Csv(500, rows)));

        run.Run.State.Should().Be(RunState.Blocked);
        run.Run.BlockedBy.Single().Should().Contain("version 1 cannot be scored").And.Contain("featurizer.json' was changed");
    }

    [Fact]
    public async Task A_file_changed_between_training_and_validation_fails_the_run()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with { Candidates = [Poor] };
        var version = await RegisterAsync(host, definition);
        await AppendSpaceAsync(host, $"{version.ModelBlobs}/featurizer.json");

        var again = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(500, rows)));

        again.Run.State.Should().Be(RunState.Failed);
        again.Run.Error.Should().Contain("featurizer.json' was changed");
    }

    [Fact]
    public async Task A_version_registered_without_hashes_loads()
    {
        await using var host = new PipelineHost(azurite);
        var version = await RegisterAsync(host, Trips.Definition() with { Candidates = [Poor] });
        var row = (await host.Get<PipelineStorage>().Models.GetEntityAsync<Azure.Data.Tables.TableEntity>(version.Model, "v|0000000001")).Value;
        var json = JsonNode.Parse(row.GetString("Json"))!.AsObject();
        json.Remove("sha256").Should().BeTrue();
        row["Json"] = json.ToJsonString();
        await host.Get<PipelineStorage>().Models.UpdateEntityAsync(row, row.ETag);

        var old = await host.Get<ModelRegistry>().GetAsync(version.Model, 1, default);

        old.Sha256.Should().BeNull();
        (await ModelScorer.LoadAsync(host.Get<ArtifactStore>(), host.Get<FeatureFunctions>(), old.ToFiles(), default)).Signature.Inputs.Should().NotBeEmpty();
    }

    [Fact]
    public async Task A_model_trained_before_hashes_were_kept_gets_them_when_it_is_registered_again()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with { Candidates = [Poor] };
        var first = await RegisterAsync(host, definition);
        var record = host.Get<PipelineStorage>().Artifacts.GetBlobClient(Path.GetDirectoryName(first.ModelBlobs) + ".json");
        var json = JsonNode.Parse((await record.DownloadContentAsync()).Value.Content.ToString())!.AsObject();
        json.Remove("sha256").Should().BeTrue();
        await record.UploadAsync(BinaryData.FromString(json.ToJsonString()), overwrite: true);

        var second = await RegisterAsync(host, definition);

        second.Version.Should().Be(2);
        second.ModelBlobs.Should().Be(first.ModelBlobs);
        second.Sha256.Should().BeEquivalentTo(first.Sha256!.Where(
            file => StoredModel.Files.Contains(file.Key) || MonitoringReference.Files.Contains(file.Key)
                || file.Key is ExplainerState.File or FeatureImportance.File or IntervalState.File or IntervalState.SpreadFile));
    }

    private async Task<ModelVersion> RegisterAsync(PipelineHost host, PipelineDefinition definition)
    {
        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(500, rows)));
        return await host.Get<ModelRegistry>().GetAsync(definition.Model, run.Run.Version!.Value, default);
    }

    private static async Task AppendSpaceAsync(PipelineHost host, string blob)
    {
        var client = host.Get<PipelineStorage>().Artifacts.GetBlobClient(blob);
        await client.UploadAsync(BinaryData.FromBytes((byte[])[.. (await client.DownloadContentAsync()).Value.Content.ToArray(), (byte)' ']), overwrite: true);
    }
}

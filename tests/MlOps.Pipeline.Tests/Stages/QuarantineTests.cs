using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Quarantine;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class QuarantineTests(AzuriteFixture azurite)
{
    private const string Poison = "\0\u0001 this is no table";

    private readonly string model = AzuriteFixture.UniqueModel();

    [Fact]
    public async Task A_dropped_file_that_cannot_be_read_is_moved_with_its_error_beside_it()
    {
        await using var host = new PipelineHost(azurite);

        var run = await RunAsync(host, "file", "day 1/ä.csv", Poison);

        run.State.Should().Be(RunState.Failed);
        (await ExistsAsync(host, "day 1/ä.csv")).Should().BeFalse();
        (await ReadAsync(host, $"{model}/{run.RunId}/day 1/ä.csv")).Should().Be(Poison);
        (await ReadAsync(host, $"{model}/{run.RunId}/day 1/ä.csv.error.txt")).TrimEnd().Should().Be(run.Error);
    }

    [Fact]
    public async Task A_file_that_a_person_named_stays()
    {
        await using var host = new PipelineHost(azurite);

        var run = await RunAsync(host, "http", "a.csv", Poison);

        run.State.Should().Be(RunState.Failed);
        (await ExistsAsync(host, "a.csv")).Should().BeTrue();
    }

    [Fact]
    public async Task A_dropped_file_that_can_be_read_stays_whatever_its_run_comes_to()
    {
        await using var host = new PipelineHost(azurite);

        var run = await RunAsync(host, "file", "a.csv", "other,columns\n1,2\n3,4\n");

        run.State.Should().Be(RunState.Failed, "it has no target");
        var details = await host.Get<RunStore>().FindDetailsAsync(run.RunId, CancellationToken.None);
        var unreadable = details!.Stages.Single(stage => stage.Stage == "ingest").State == StageState.Failed;
        (await ExistsAsync(host, "a.csv")).Should().Be(!unreadable);
    }

    [Fact]
    public async Task Moving_twice_ends_in_the_same_state()
    {
        await using var host = new PipelineHost(azurite);
        var run = await RunAsync(host, "file", "a.csv", Poison);

        var again = await host.Get<QuarantineStage>().RunAsync(host.Context(run), new QuarantineInput(run.Error!), CancellationToken.None);

        again.Blob.Should().Be($"quarantine/{model}/{run.RunId}/a.csv");
        (await ReadAsync(host, $"{model}/{run.RunId}/a.csv")).Should().Be(Poison);
    }

    private async Task<Run> RunAsync(PipelineHost host, string trigger, string file, string content)
    {
        await host.Storage.Raw.GetBlobClient($"{model}/{file}").UploadAsync(BinaryData.FromString(content), overwrite: true);
        await host.Get<DefinitionStore>().PutAsync(new PipelineDefinition { Model = model, Target = "y" }, CancellationToken.None);
        var run = await host.Get<RunStarter>().StartAsync(model, $"raw/{model}/{file}", trigger, CancellationToken.None);
        return (await host.Get<RunStore>().FindAsync(run.RunId, CancellationToken.None))!;
    }

    private async Task<bool> ExistsAsync(PipelineHost host, string file) => (await host.Storage.Raw.GetBlobClient($"{model}/{file}").ExistsAsync()).Value;

    private static async Task<string> ReadAsync(PipelineHost host, string blob) =>
        (await host.Storage.Quarantine.GetBlobClient(blob).DownloadContentAsync()).Value.Content.ToString();
}

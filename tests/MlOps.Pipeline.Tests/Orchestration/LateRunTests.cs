using Microsoft.Extensions.DependencyInjection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Quarantine;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Orchestration;

/// <summary>What changes between the start of a run and its work.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class LateRunTests(AzuriteFixture azurite)
{
    private const string Poison = "\0\u0001 this is no table";
    private const string Rows = "a,y\n1,2\n3,4\n5,6\n";

    private readonly string model = AzuriteFixture.UniqueModel();

    [Fact]
    public async Task A_file_overwritten_while_its_run_waits_fails_that_run_and_stays()
    {
        await using var host = NewHost();
        await DropAsync(host, Rows);
        var run = await StartAsync(host, "file", $"raw/{model}/a.csv");
        await DropAsync(host, Rows + "7,8\n");

        await Engine(host).WorkAsync(run.RunId);

        var ended = await host.Get<RunStore>().FindAsync(run.RunId, default);
        ended!.State.Should().Be(RunState.Failed);
        ended.Error.Should().StartWith($"raw/{model}/a.csv was overwritten after this run was asked for.");
        (await host.Storage.Raw.GetBlobClient($"{model}/a.csv").DownloadContentAsync()).Value.Content.ToString().Should().EndWith("7,8\n");
        (await host.Storage.Quarantine.GetBlobClient($"{model}/{run.RunId}/a.csv").ExistsAsync()).Value.Should().BeFalse();
        Directory.GetFiles(Path.Combine(host.WorkFolder, "incoming")).Should().BeEmpty("what broke off is not kept");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_that_is_still_the_one_that_was_asked_for_is_read(bool named)
    {
        await using var host = NewHost();
        await DropAsync(host, Rows);

        var run = await StartAsync(host, "http", named ? $"raw/{model}/a.csv" : null);
        await Engine(host).WorkAsync(run.RunId);

        run.SourceETag.Should().NotBeNullOrEmpty();
        var ended = await host.Get<RunStore>().FindAsync(run.RunId, default);
        (ended!.State, ended.Error).Should().Be((RunState.Succeeded, null));
        ended.Dataset.Should().NotBeNull();
    }

    [Fact]
    public async Task A_run_that_was_started_before_the_state_of_its_file_was_kept_reads_what_is_there()
    {
        await using var host = NewHost();
        await DropAsync(host, Rows);
        var run = await StartAsync(host, "http", $"raw/{model}/a.csv");
        await host.Get<RunStore>().UpdateAsync(run.RunId, run => run with { SourceETag = null }, default);
        await DropAsync(host, Rows + "7,8\n");

        await Engine(host).WorkAsync(run.RunId);

        (await host.Get<RunStore>().FindAsync(run.RunId, default))!.State.Should().Be(RunState.Succeeded);
    }

    [Fact]
    public async Task A_file_that_was_mended_after_its_run_had_read_it_is_not_quarantined()
    {
        await using var host = NewHost();
        await DropAsync(host, Poison);
        var run = await StartAsync(host, "file", $"raw/{model}/a.csv");
        await DropAsync(host, Rows);

        var moved = await host.Get<QuarantineStage>().RunAsync(host.Context(run), new QuarantineInput("it is no table"), default);

        moved.Blob.Should().BeNull();
        (await host.Storage.Raw.GetBlobClient($"{model}/a.csv").DownloadContentAsync()).Value.Content.ToString().Should().Be(Rows);
        (await host.Storage.Quarantine.GetBlobClient($"{model}/{run.RunId}/a.csv.error.txt").ExistsAsync()).Value.Should().BeFalse();
    }

    [Fact]
    public async Task A_run_whose_starter_died_is_planned_from_its_own_definition()
    {
        await using var host = NewHost();
        await DropAsync(host, Rows);
        var request = new RunRequest(model, $"raw/{model}/a.csv", "file") { RunId = RunId.Of(model, DateTimeOffset.UtcNow, "a.csv") };
        await host.Get<DefinitionStore>().PutAsync(new PipelineDefinition { Model = model, Target = "y" }, default);
        var first = await host.Get<RunStarter>().StartAsync(request, default);
        await host.Get<DefinitionStore>().PutAsync(
            new PipelineDefinition
            {
                Model = model,
                Target = "y",
                Candidates = [new CandidateSpec { Trainer = TrainerNames.Sdca }, new CandidateSpec { Trainer = TrainerNames.FastTree }],
                Gates = new GateRules { Approval = new ApprovalRule(Required: true) },
            },
            default);

        var again = await host.Get<RunStarter>().StartAsync(request, default);

        again.DefinitionId.Should().Be(first.DefinitionId);
        Engine(host).Started.Should().HaveCount(2);
        Engine(host).Started[1].Should().BeEquivalentTo(Engine(host).Started[0]);
    }

    private PipelineHost NewHost() => new(azurite, services => services.AddSingleton<IPipelineEngine, LaterEngine>());

    private static LaterEngine Engine(PipelineHost host) => (LaterEngine)host.Get<IPipelineEngine>();

    private Task DropAsync(PipelineHost host, string content) =>
        host.Storage.Raw.GetBlobClient($"{model}/a.csv").UploadAsync(BinaryData.FromString(content), overwrite: true);

    private async Task<Run> StartAsync(PipelineHost host, string trigger, string? source)
    {
        await host.Get<DefinitionStore>().PutAsync(new PipelineDefinition { Model = model, Target = "y" }, default);
        return await host.Get<RunStarter>().StartAsync(new RunRequest(model, source, trigger) { Goal = RunGoal.Dataset }, default);
    }
}

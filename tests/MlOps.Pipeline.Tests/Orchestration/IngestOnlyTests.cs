using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Orchestration;

/// <summary>Runs whose goal is a dataset: they end after stage ingest.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class IngestOnlyTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly string model = AzuriteFixture.UniqueModel();
    private PipelineHost host = null!;

    public Task InitializeAsync()
    {
        host = new PipelineHost(azurite);
        return Task.CompletedTask;
    }

    public Task DisposeAsync() => host.DisposeAsync().AsTask();

    [Fact]
    public async Task What_was_ingested_is_there_for_the_run_that_trains_on_it()
    {
        var ingested = await RunAsync("a.csv", Trips.Csv(200), RunGoal.Dataset);

        var trained = await DetailsOfAsync(await host.Get<RunStarter>().StartAsync(model, $"raw/{model}/a.csv", "http", CancellationToken.None));

        trained.Run.State.Should().Be(RunState.Succeeded, trained.Run.Error);
        trained.Run.Dataset.Should().BeNull();
        trained.Stages.Single(stage => stage.Stage == "ingest").State.Should().Be(StageState.Reused);
        (await host.Get<DatasetStore>().GetAsync(ingested.Run.Dataset!, CancellationToken.None)).Rows.Should().Be(200);
    }

    [Fact]
    public async Task A_table_without_the_target_can_be_ingested()
    {
        var run = await RunAsync("a.csv", "other,columns\n1,2\n3,4\n", RunGoal.Dataset);

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_quarantined_and_its_run_fails_and_is_told()
    {
        var run = await RunAsync("a.csv", "\0\u0001 this is no table", RunGoal.Dataset);

        (run.Run.State, run.Run.Dataset).Should().Be((RunState.Failed, null));
        run.Alerts.Should().ContainSingle().Which.Kind.Should().Be(AlertKind.RunFailed);
        (await host.Storage.Raw.GetBlobClient($"{model}/a.csv").ExistsAsync()).Value.Should().BeFalse();
        (await host.Storage.Quarantine.GetBlobClient($"{model}/{run.Run.RunId}/a.csv").ExistsAsync()).Value.Should().BeTrue();
    }

    [Fact]
    public async Task A_retry_goes_no_further_than_the_run_it_repeats()
    {
        var run = await RunAsync("a.csv", Trips.Csv(200), RunGoal.Dataset);

        var again = await DetailsOfAsync(await host.Get<RunStarter>().RetryAsync(run.Run, CancellationToken.None));

        (again.Run.Trigger, again.Run.Goal, again.Run.State, again.Run.Dataset).Should().Be(("retry", RunGoal.Dataset, RunState.Succeeded, run.Run.Dataset));
    }

    [Fact]
    public void Rows_of_runs_without_a_goal_are_read_as_runs_that_go_all_the_way()
    {
        const string Before =
            """
            {"runId":"m-20260101000000000-abcdef","model":"m","state":"running","definitionId":"m/1","source":"raw/m/a.csv","trigger":"http",
            "created":"2026-01-01T00:00:00+00:00"}
            """;

        Json.Read<Run>(Before).Goal.Should().Be(RunGoal.Model);
    }

    private async Task<RunDetails> RunAsync(string file, string content, RunGoal goal)
    {
        await host.Storage.Raw.GetBlobClient($"{model}/{file}").UploadAsync(BinaryData.FromString(content), overwrite: true);
        await host.Get<DefinitionStore>().PutAsync(Trips.Definition(model), CancellationToken.None);
        return await DetailsOfAsync(
            await host.Get<RunStarter>().StartAsync(new RunRequest(model, $"raw/{model}/{file}", "file") { Goal = goal }, CancellationToken.None));
    }

    private async Task<RunDetails> DetailsOfAsync(Run run) => (await host.Get<RunStore>().FindDetailsAsync(run.RunId, CancellationToken.None))!;
}

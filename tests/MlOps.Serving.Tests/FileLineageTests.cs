using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Deletion;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Tracking;
using MlOps.Serving.Lineage;
using MlOps.Testing;
using MlOps.Testing.Scenarios;

namespace MlOps.Serving.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class FileLineageTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task A_file_is_found_however_many_runs_have_come_since()
    {
        const int Later = 1_100;
        await using var host = new PipelineHost(azurite, services => services.AddMlOpsServing());
        var definition = Trips.Definition();
        await host.Get<DefinitionStore>().PutAsync(definition, default);
        var runs = new List<Run>();
        foreach (var file in new[] { "may.csv", "odd|na#me?.csv" })
        {
            await host.Storage.Raw.GetBlobClient($"{definition.Model}/{file}").UploadAsync(BinaryData.FromString(Trips.Csv(50, 1)));
            runs.Add(await host.Get<RunStarter>().StartAsync(
                new RunRequest(definition.Model, $"raw/{definition.Model}/{file}", "test") { Goal = RunGoal.Dataset }, default));
        }
        await Parallel.ForAsync(0, Later, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, cancel) =>
        {
            var at = DateTimeOffset.UtcNow.AddSeconds(1 + i);
            await host.Get<RunStore>().CreateAsync(
                new Run
                {
                    RunId = RunId.New(definition.Model, at),
                    Model = definition.Model,
                    State = RunState.Failed,
                    DefinitionId = "",
                    Source = $"raw/{definition.Model}/later.csv",
                    Trigger = "test",
                    Created = at,
                },
                cancel);
        });
        var reader = host.Get<LineageReader>();

        foreach (var run in runs)
        {
            var graph = (await reader.OfFileAsync(definition.Model, run.Source[$"raw/{definition.Model}/".Length..], default))!;
            graph.Nodes.Select(node => node.Id).Should().Contain([$"file/{run.Source}", $"run/{run.RunId}"]);
        }
        (await reader.OfFileAsync(definition.Model, "later.csv", default))!.Nodes.Should().NotBeEmpty("runs that failed are found, too");
        (await host.Get<RunDeletion>().DeleteAsync(runs[0].RunId, default)).Refusal.Should().BeNull();
        (await reader.OfFileAsync(definition.Model, "may.csv", default)).Should().BeNull();
        StoredSource.IdOf(runs[0].Source).Should().BeNull();
    }
}

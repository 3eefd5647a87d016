using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests;

[Collection(AzuriteFixture.Collection)]
public sealed class PipelineTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task A_first_run_promotes_version_1_with_every_trainer_tried()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with
        {
            Candidates =
        [
            .. TrainerNames.BuiltIn.Select(trainer => new CandidateSpec { Trainer = trainer, Trees = 20 })
        ]
        };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(2000)));

        run.Run.Error.Should().BeNull();
        run.Run.State.Should().Be(RunState.Succeeded);
        run.Run.Version.Should().Be(1);
        run.Metrics["val_rmse"].Should().BeLessThan(1.5);
        run.Metrics.Keys.Should().Contain(["0-lightgbm.rmse", "1-fasttree.rmse", "2-fastforest.rmse", "3-sdca.rmse"]);
        run.Artifacts.Select(artifact => artifact.Path).Should().Contain(["model.zip", "signature.json", "training_features.txt"]);
        (await host.Get<ModelRegistry>().FindAsync(definition.Model, default))!.Production.Should().Be(1);
    }
}

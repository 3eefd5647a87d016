using MlOps.Pipeline.Data;
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

    [Fact]
    public async Task The_rows_that_choose_are_marked_and_the_test_rows_measure_the_winner()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with
        {
            Split = new SplitRules { Test = 0.2 },
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 20 }, new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 5 }],
        };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(2000)));

        run.Params["selectedOnSameRows"].Should().Be("true");
        run.Metrics["test_rmse"].Should().NotBe(run.Metrics["val_rmse"]).And.BeInRange(run.Metrics["ci95_low.test_rmse"], run.Metrics["ci95_high.test_rmse"]);
        var version = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        version.Metrics["test_rmse"].Should().Be(run.Metrics["test_rmse"]);
        (await host.Get<DatasetStore>().GetAsync(version.Lineage.Test!, default)).Rows.Should().BeInRange(300, 500);
        var card = (await host.Get<ArtifactStore>().ReadAsync($"{run.Run.RunId}/model-card.md", default)).ToString();
        card.Should().Contain("this version on the test rows").And.Contain("(selectedOnSameRows)").And.Contain("those on the test rows are not");
    }

    [Fact]
    public async Task Candidates_learn_from_the_sample_alone_and_run_and_card_say_of_how_many_rows()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with { Train = new TrainRules { Folds = 0, Sample = 0.5 } };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(2000)));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        var version = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        var train = await host.Get<DatasetStore>().GetAsync(version.Lineage.Train, default);
        var of = train.Notes[DatasetNotes.SampledFrom]!.GetValue<long>();
        train.Rows.Should().BeInRange((of / 2) - 100, (of / 2) + 100);
        run.Params["split.sample"].Should().Be($"{train.Rows} of {of} training rows");
        run.Stages.Single(stage => stage.Stage == "train").Rows.Should().Be(train.Rows);
        var card = (await host.Get<ArtifactStore>().ReadAsync($"{run.Run.RunId}/model-card.md", default)).ToString();
        card.Should().Contain(FormattableString.Invariant($"{train.Rows:N0} (a sample of {of:N0})"));
    }

    [Fact]
    public async Task Folds_of_a_small_table_choose_and_the_validation_rows_only_measure()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with
        {
            Train = new TrainRules(),
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 20 }, new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 5 }],
        };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(2000)));

        run.Params.Should().Contain("selectedOnSameRows", "false").And.Contain("chosenBy", "oof_rmse").And.Contain("winner", "0-lightgbm");
        run.Metrics["0-lightgbm.oof_rmse"].Should().BeLessThan(run.Metrics["1-lightgbm.oof_rmse"]);
        run.Metrics["val_rmse"].Should().Be(run.Metrics["0-lightgbm.rmse"]);
        var card = (await host.Get<ArtifactStore>().ReadAsync($"{run.Run.RunId}/model-card.md", default)).ToString();
        card.Should().NotContain("selectedOnSameRows").And.Contain("oof\\_rmse is measured on the training rows").And.Contain("among 2 candidates");
    }
}

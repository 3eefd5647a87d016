using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Stages.Validate;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Training;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class ValidateTests(AzuriteFixture azurite)
{
    [Fact]
    public void Every_difference_between_signature_and_data_is_listed()
    {
        SignatureColumn[] trained =
        [
            new("a", ColumnKind.Numeric), new("b", ColumnKind.Categorical), new("c", ColumnKind.Numeric), new("d", ColumnKind.Numeric)
        ];
        SignatureColumn[] given = [new("c", ColumnKind.Numeric), new("b", ColumnKind.Numeric), new("a", ColumnKind.Numeric), new("e", ColumnKind.Numeric)];

        SignatureCheck.Differences(trained, given).Should().Equal(
            "Feature 'b' is numeric in the data, but the model was trained on categorical.",
            "Feature 'd' is missing in the data.",
            "Feature 'e' is in the data, but the model was not trained on it.",
            "Feature 'a' stands at place 1 in the model, where the data has 'c'.",
            "Feature 'c' stands at place 3 in the model, where the data has 'a'.");
        SignatureCheck.Differences(trained, trained).Should().BeEmpty();
    }

    [Fact]
    public async Task A_stored_model_that_does_not_fit_the_validation_rows_stops_the_run()
    {
        await using var bench = new StageBench(azurite);
        var host = bench.Host;
        var narrow = Trips.Definition() with { Columns = new Dictionary<string, ColumnRule> { ["vendor"] = new() { Ignore = true } } };
        var trained = await host.RunAsync(narrow, host.WriteFile("trips.csv", Trips.Csv(500, seed: 51)));
        var blobs = Path.GetDirectoryName(trained.Artifacts.Single(artifact => artifact.Path == "model.zip").Blob)!;
        var split = await bench.SplitAsync(Trips.Definition(), Trips.Csv(500, seed: 51));

        var act = async () => await host.Get<ValidateStage>().RunAsync(
            host.Context(trained.Run), new ValidateInput(
                [new TrainedCandidate("0-lightgbm", blobs, new Dictionary<string, double> { ["rmse"] = 1 })], split.Validation), default);

        (await act.Should().ThrowAsync<InputException>())
            .WithMessage("*does not fit the validation data*'vendor' is in the data, but the model was not trained on it*");
    }

    [Fact]
    public async Task The_stored_artifact_is_measured_and_measures_the_same_as_the_trained_one()
    {
        await using var host = new PipelineHost(azurite);

        var run = await host.RunAsync(Trips.Definition(), host.WriteFile("trips.csv", Trips.Csv(600, seed: 52)));

        foreach (var metric in new[] { "rmse", "mae", "r2" })
        {
            run.Metrics[$"val_{metric}"].Should().Be(run.Metrics[$"0-lightgbm.{metric}"]);
        }
        run.Artifacts.Select(artifact => artifact.Path).Should().Contain(["model.zip", "featurizer.json", "signature.json", "training_features.txt"]);
        run.Stages.Select(stage => stage.Stage).Should()
            .Equal("ingest", "clean", "features", "split", "train", "validate", "drift", "promote", "explain", "model-card", "alert", "finish");
        run.Run.State.Should().Be(RunState.Succeeded);
    }

    [Fact]
    public async Task The_best_candidate_by_the_declared_metric_wins()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition() with
        {
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 1 }, new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 80 }],
            Gates = new GateRules { Metric = "r2" },
        };

        var run = await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(800, seed: 53)));

        run.Params["winner"].Should().Be("1-lightgbm");
        run.Metrics["val_r2"].Should().BeGreaterThan(run.Metrics["0-lightgbm.r2"]);
    }
}

using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class TrainTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task The_same_rows_and_seed_give_the_same_metrics_whatever_the_number_of_threads()
    {
        await using var one = new PipelineHost(azurite);
        await using var four = new PipelineHost(azurite, services => services.ChangeOptions(options => options with { Threads = 4 }));
        var definition = Trips.Definition() with { Train = new TrainRules { Folds = 2 } };
        var csv = Trips.Csv(3000, seed: 31);
        var candidates = TrainerNames.BuiltIn.Select(trainer => new CandidateSpec { Trainer = trainer, Trees = 15 }).ToList();
        // Another maxCategories is another model to train, but the same features: nothing is reused between the two.
        var first = await one.RunAsync(definition with { Candidates = candidates }, one.WriteFile("trips.csv", csv));
        var second = await four.RunAsync(
            definition with
            {
                Model = AzuriteFixture.UniqueModel(),
                Candidates = candidates,
                Threshold = 0.4,
                Features = definition.Features with { MaxCategories = 99 },
            },
            four.WriteFile("trips.csv", csv));

        second.Stages.Where(stage => stage.Stage == "train").Should().OnlyContain(stage => stage.State == StageState.Succeeded);
        foreach (var metric in first.Metrics.Where(metric => !metric.Key.EndsWith("train_seconds", StringComparison.Ordinal)))
        {
            second.Metrics[metric.Key].Should().Be(metric.Value, metric.Key);
        }
    }

    [Fact]
    public async Task A_run_of_the_same_content_and_parameters_reuses_everything()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition();
        var path = host.WriteFile("trips.csv", Trips.Csv(1000, seed: 32));
        await host.RunAsync(definition, path);

        var again = await host.RunAsync(definition with { Model = AzuriteFixture.UniqueModel() }, path);

        again.Stages.Where(stage => stage.Stage is "ingest" or "clean" or "features" or "split" or "train").Should()
            .HaveCount(5).And.OnlyContain(stage => stage.State == StageState.Reused);
        again.Run.State.Should().Be(RunState.Succeeded);
        again.Artifacts.Select(artifact => artifact.Path).Should().Contain("0-lightgbm/model.zip");
    }

    [Theory]
    [InlineData(TrainerNames.LightGbm)]
    [InlineData(TrainerNames.FastTree)]
    public async Task Boosted_trees_stop_early_on_rows_they_did_not_learn_from(string trainer)
    {
        await using var host = new PipelineHost(azurite);
        // Hardly any rows and much noise: 800 trees would only learn the noise.
        var path = host.WriteFile("noisy.csv", Trips.Csv(400, seed: 33, noise: 30));
        var stopping = new CandidateSpec { Trainer = trainer, Trees = 800, EarlyStopping = 5, MinRowsPerLeaf = 2 };

        var run = await host.RunAsync(
            Trips.Definition() with { Train = new TrainRules { Folds = 2 }, Candidates = [stopping, stopping with { EarlyStopping = 0 }] }, path);

        var sizes = run.Artifacts.Where(artifact => artifact.Path.EndsWith("/model.zip", StringComparison.Ordinal))
            .OrderBy(artifact => artifact.Path, StringComparer.Ordinal).Select(artifact => artifact.Bytes).ToList();
        sizes[0].Should().BeLessThan(sizes[1] / 4);
        run.Metrics[$"0-{trainer.ToString().ToLowerInvariant()}.rmse"].Should().BeLessThan(run.Metrics[$"1-{trainer.ToString().ToLowerInvariant()}.rmse"]);
    }

    [Fact]
    public async Task Out_of_fold_no_row_is_predicted_by_a_model_that_learnt_from_it()
    {
        await using var host = new PipelineHost(azurite);
        // The target is noise: a model can only know it by heart.
        var random = new Random(36);
        var csv = "x,y\n" + string.Concat(Enumerable.Range(0, 600).Select(i => $"{i * 0.37},{random.NextDouble():F6}\n"));
        var byHeart = new CandidateSpec { Trainer = TrainerNames.FastTree, Trees = 300, EarlyStopping = 0, MinRowsPerLeaf = 1, Leaves = 500 };
        var definition = new PipelineDefinition
        {
            Model = AzuriteFixture.UniqueModel(),
            Target = "y",
            Train = new TrainRules { Folds = 2 },
            Candidates = [byHeart],
        };

        var run = await host.RunAsync(definition, host.WriteFile("noise.csv", csv));

        run.Metrics["0-fasttree.oof_r2"].Should().BeLessThan(0);
        // Of each fold the metric that decides; the error of all rows lies between those of their parts.
        var folds = run.Metrics.Where(metric => metric.Key.StartsWith("0-fasttree.fold_", StringComparison.Ordinal)).ToDictionary();
        folds.Keys.Should().Equal("0-fasttree.fold_1.rmse", "0-fasttree.fold_2.rmse");
        run.Metrics["0-fasttree.oof_rmse"].Should().BeInRange(folds.Values.Min(), folds.Values.Max());
    }

    [Theory]
    [InlineData(TrainerNames.LightGbm, null)]
    [InlineData(TrainerNames.FastTree, null)]
    [InlineData(TrainerNames.LightGbm, "seconds")]
    public async Task The_model_of_a_small_table_learns_from_all_training_rows_with_the_trees_that_those_held_out_told(string trainer, string? time)
    {
        await using var host = new PipelineHost(azurite);
        var csv = Trips.Csv(500, seed: 37, noise: 5);
        var spec = new CandidateSpec { Trainer = trainer, Trees = 300, EarlyStopping = 10 };

        var definition = Trips.Definition() with { Split = new SplitRules { Time = time }, Train = new TrainRules() };
        var folded = await host.RunAsync(definition with { Candidates = [spec] }, host.WriteFile("a.csv", csv));
        var trees = (int)folded.Metrics[$"0-{trainer}.trees_kept"];
        var plain = await host.RunAsync(
            definition with { Candidates = [spec with { Trees = trees, EarlyStopping = 0 }], Train = new TrainRules { Folds = 0 } },
            host.WriteFile("b.csv", csv));

        trees.Should().BeInRange(1, 299);
        folded.Metrics["val_rmse"].Should().Be(plain.Metrics["val_rmse"]);
        plain.Metrics.Keys.Should().NotContain(name => name.Contains("oof_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_large_table_is_not_folded()
    {
        await using var host = new PipelineHost(azurite);

        var run = await host.RunAsync(
            Trips.Definition() with { Train = new TrainRules { FoldsBelow = 400 } }, host.WriteFile("trips.csv", Trips.Csv(600, seed: 38)));

        run.Params["chosenBy"].Should().Be("rmse");
        run.Params["split.test"].Should().Be("0.1, as the table is too large for folds");
        run.Metrics.Should().ContainKeys("test_rmse", "ci95_low.test_rmse", "ci95_high.test_rmse");
    }

    [Fact]
    public async Task A_binary_target_gets_binary_metrics_from_every_trainer()
    {
        await using var host = new PipelineHost(azurite);
        var lines = Trips.Csv(2000, seed: 34).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var csv = string.Join('\n', lines.Select((line, i) => $"{line},{(i == 0 ? "tip" : IsFar(line) ? "yes" : "no")}")) + "\n";
        var definition = Trips.Definition() with
        {
            Target = "tip",
            Candidates =
        [
            .. TrainerNames.BuiltIn.Select(trainer => new CandidateSpec { Trainer = trainer, Trees = 20 })
        ]
        };

        var run = await host.RunAsync(definition, host.WriteFile("tips.csv", csv));

        run.Run.Error.Should().BeNull();
        run.Metrics["val_auc"].Should().BeGreaterThan(0.95);
        run.Metrics["val_log_loss"].Should().BeInRange(0, 0.3);
        foreach (var key in new[] { "0-lightgbm", "1-fasttree", "2-fastforest", "3-sdca" })
        {
            run.Metrics.Keys.Should()
                .Contain(new[] { "auc", "log_loss", "accuracy", "f1", "precision", "recall", "threshold" }.Select(metric => $"{key}.{metric}"));
            run.Metrics[$"{key}.accuracy"].Should().BeGreaterThan(0.8, key);
        }
    }

    [Fact]
    public async Task Params_features_and_signature_are_logged()
    {
        await using var host = new PipelineHost(azurite);

        var run = await host.RunAsync(Trips.Definition(), host.WriteFile("trips.csv", Trips.Csv(500, seed: 35)));

        run.Params.Should().Contain("0-lightgbm.trees", "20").And.Contain("0-lightgbm.rate", "0.1").And.Contain("winner", "0-lightgbm");
        var (_, content) = (await host.Get<ArtifactStore>().OpenAsync(run.Run.RunId, "training_features.txt", default))!.Value;
        using var reader = new StreamReader(content);
        (await reader.ReadToEndAsync()).Should().Be("vendor\npassengers\nseconds\nmiles\npayment\nseconds_x_miles\n");
    }

    [Theory]
    [InlineData(3, true)]
    [InlineData(2, false)]
    public async Task Categories_without_a_slot_of_their_own_are_told_once_with_their_rows_also_where_all_is_reused(int rareRows, bool headline)
    {
        await using var host = new PipelineHost(azurite);
        // The earliest rows train: three frequent shops, and two rare ones of as many rows each.
        string ShopOf(int i) => i < rareRows ? "ulm" : i < 2 * rareRows ? "aalen" : $"shop{i % 3}";
        var csv = "shop,x,at,y\n" + string.Concat(Enumerable.Range(0, 600).Select(
            i => $"{ShopOf(i)},{i % 37},{new DateTime(2026, 1, 1).AddHours(i):s},{(i % 37) + (i % 3)}\n"));
        var definition = new PipelineDefinition
        {
            Model = AzuriteFixture.UniqueModel(),
            Target = "y",
            Features = new FeatureRules { MaxCategories = 3 },
            Split = new SplitRules { Time = "at" },
            Train = new TrainRules { Folds = 0 },
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 3 }, new CandidateSpec { Trainer = TrainerNames.FastTree, Trees = 3 }],
        };
        var path = host.WriteFile("shops.csv", csv);
        await host.RunAsync(definition, path);

        var run = await host.RunAsync(definition, path);

        var split = run.Stages.Single(stage => stage.Stage == "split");
        split.State.Should().Be(StageState.Reused);
        run.Stages.SelectMany(stage => stage.Warnings ?? []).Should().ContainSingle(warning => warning.Code == WarningCodes.CategoriesFolded);
        var told = split.Warnings.Should().ContainSingle().Subject;
        told.Text.Should().Be(
            $"Column 'shop': 2 of its 5 categories, such as 'ulm' (the first in the file, line 2), are one to the model, as the 3 most frequent have a slot "
            + $"each: {2 * rareRows} of 480 training rows ({(headline ? "1.25" : "0.83")} %). Raise features.maxCategories to tell them apart.");
        (told.Code, told.Column, told.Count, told.Line, told.Example, told.Headline).Should()
            .Be((WarningCodes.CategoriesFolded, "shop", 2 * rareRows, 2, "ulm", headline));
        run.Metrics.Should().ContainKey("val_rmse");
    }

    [Fact]
    public async Task Where_there_are_as_many_categories_as_slots_nothing_is_told_of_them()
    {
        await using var host = new PipelineHost(azurite);
        var csv = "shop,x,y\n" + string.Concat(Enumerable.Range(0, 300).Select(i => $"shop{i % 3},{i % 37},{i % 41}\n"));
        var definition = new PipelineDefinition
        {
            Model = AzuriteFixture.UniqueModel(),
            Target = "y",
            Features = new FeatureRules { MaxCategories = 3 },
            Train = new TrainRules { Folds = 0 },
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 3 }],
        };

        var run = await host.RunAsync(definition, host.WriteFile("shops.csv", csv));

        run.Stages.Single(stage => stage.Stage == "train").Warnings.Should().BeNullOrEmpty();
    }

    private static bool IsFar(string trip) => double.Parse(trip.Split(',')[3], System.Globalization.CultureInfo.InvariantCulture) > 6;
}

using System.Globalization;
using System.Text;
using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Features;

[Collection(AzuriteFixture.Collection)]
public sealed class CustomFeatureTests(AzuriteFixture azurite)
{
    [Fact]
    public async Task A_function_of_the_host_gives_tables_and_single_rows_the_same()
    {
        await using var host = HostOf(new Weighted());
        var definition = Definition();
        var lines = Csv(600).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        var run = await host.RunAsync(definition, host.WriteFile("rows.csv", string.Join('\n', lines) + "\n"));

        run.Run.Error.Should().BeNull();
        var version = await host.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);
        var stored = await StoredModel.LoadAsync(host.Get<ArtifactStore>(), version.ToFiles(), default);
        var reader = new InputReader(stored.Featurizer, host.Get<FeatureFunctions>());
        var rows = lines[1..].Select(line => Read(reader, line.Split(','))).ToHashSet();
        var datasets = host.Get<DatasetStore>();
        var compared = 0;
        foreach (var id in new[] { version.Lineage.Train, version.Lineage.Validation })
        {
            var table = await host.Get<FeatureTableCache>().GetAsync(
                await datasets.OpenAsync(await datasets.GetAsync(id, default), default), stored.Featurizer, default);
            for (var i = 0; i < table.Rows; i++, compared++)
            {
                rows.Should().Contain(string.Join(' ', table.Numbers.Select(column => column[i].ToString("R", CultureInfo.InvariantCulture))));
            }
        }
        compared.Should().Be(600);
        stored.Signature.Features.Select(feature => (feature.Name, feature.Optional)).Should().Contain(("mixed", true));
        run.Artifacts.Select(artifact => artifact.Path).Should().Contain("model-card.md");
        var card = await host.Get<ArtifactStore>().ReadAsync($"{run.Run.RunId}/model-card.md", default);
        card.ToString().Should().Contain("computed: weighted(a, flag, at), version 1");
        var importance = await host.Get<ArtifactStore>().ReadAsync(run.Artifacts.Single(artifact => artifact.Path == "shap_values.csv").Blob, default);
        importance.ToString().Split('\n')[0].Should().Contain("mixed");
        run.Metrics["drift_columns"].Should().BeGreaterThan(0);
    }

    [Fact]
    public async Task Another_version_of_a_function_trains_anew_and_neither_serves_nor_scores_what_the_old_one_trained()
    {
        await using var before = HostOf(new Weighted());
        await using var after = HostOf(new Weighted { Version = "2", Weight = 5 });
        var definition = Definition();
        var csv = Csv(600);
        var first = await before.RunAsync(definition, before.WriteFile("rows.csv", csv));
        var version = await before.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);

        var second = await after.RunAsync(definition, after.WriteFile("rows.csv", csv));
        var load = () => ModelScorer.LoadAsync(after.Get<ArtifactStore>(), after.Get<FeatureFunctions>(), version.ToFiles(), default);

        first.Run.State.Should().Be(RunState.Succeeded);
        second.Stages.Single(stage => stage.Stage == "clean").State.Should().Be(StageState.Reused, "what the function is not part of stays");
        second.Stages.Single(stage => stage.Stage == "features").State.Should().Be(StageState.Succeeded);
        second.Stages.Single(stage => stage.Stage == "train").State.Should().Be(StageState.Succeeded);
        second.Run.BlockedBy.Should().ContainSingle().Which.Should()
            .StartWith("production: version 1 cannot be scored").And.Contain("version 1 of the function");
        (await load.Should().ThrowAsync<InputException>()).WithMessage(
            "The feature 'mixed' was computed by version 1 of the function 'weighted', and this host has version 2: train the model anew, or run a host that "
            + "has version 1.");
    }

    [Fact]
    public async Task A_host_without_the_function_refuses_the_model_with_a_sentence()
    {
        await using var with = HostOf(new Weighted());
        await using var without = new PipelineHost(azurite);
        var definition = Definition();
        await with.RunAsync(definition, with.WriteFile("rows.csv", Csv(600)));
        var version = await with.Get<ModelRegistry>().GetAsync(definition.Model, 1, default);

        var load = () => ModelScorer.LoadAsync(without.Get<ArtifactStore>(), without.Get<FeatureFunctions>(), version.ToFiles(), default);

        (await load.Should().ThrowAsync<InputException>()).WithMessage(
            "The feature 'mixed' is computed by the function 'weighted', which this host does not have: add it with AddMlOps.");
    }

    [Fact]
    public async Task A_column_of_the_wrong_kind_skips_the_feature_or_stops_the_run_where_it_is_required()
    {
        await using var host = HostOf(new Weighted());
        CustomFeature[] custom = [new CustomFeature("mixed", "weighted", ["a", "color", "at"])];
        var definition = Definition() with { Features = new FeatureRules { Custom = custom } };

        var skipped = await host.RunAsync(definition, host.WriteFile("rows.csv", Csv(600)));
        var stopped = await host.RunAsync(
            Definition() with { Features = new FeatureRules { Custom = custom, Required = ["mixed"] } }, host.WriteFile("again.csv", Csv(600)));

        skipped.Stages.Single(stage => stage.Stage == "features").Warnings.Should().Contain(
            warning => warning.Text == "Feature 'mixed' is skipped: column 'color' is categorical, not numeric or boolean or datetime.");
        stopped.Run.Error.Should().Contain("Feature 'mixed' is required: column 'color' is categorical");
    }

    [Fact]
    public async Task A_function_that_throws_fails_the_stage_and_the_error_names_it()
    {
        await using var host = HostOf(new Weighted { Throws = true });

        var run = () => host.RunAsync(Definition(), host.WriteFile("rows.csv", Csv(300)));

        (await run.Should().ThrowAsync<InvalidOperationException>()).WithMessage("*The feature function 'weighted' failed: No weight today.*");
    }

    [Fact]
    public void Built_in_features_are_stored_as_they_always_were_and_read_back()
    {
        var log = new DerivedFeature("log_a", BuiltInFunctions.Log, ["a"]);
        var product = new DerivedFeature("a_x_b", BuiltInFunctions.Product, ["a", "b"]);
        var day = new DerivedFeature("t_day_of_week", BuiltInFunctions.DayOfWeek, ["t"]);
        var own = new DerivedFeature("km", "great_circle", ["a", "b"], "1");

        Json.Write(log).Should().Be("""{"name":"log_a","function":"log","a":"a"}""");
        Json.Write(product).Should().Be("""{"name":"a_x_b","function":"product","a":"a","b":"b"}""");
        Json.Write(day).Should().Be("""{"name":"t_day_of_week","function":"dayOfWeek","a":"t"}""");
        Json.Write(own).Should().Be("""{"name":"km","function":"great_circle","inputs":["a","b"],"version":"1"}""");
        Json.Read<IReadOnlyList<DerivedFeature>>(Json.Write(new[] { log, product, day, own })).Should().Equal(log, product, day, own);
        FeatureSql.Of(log, new Dictionary<string, StorageType> { ["a"] = StorageType.Double }).Should().Be("feature_log(\"a\"::DOUBLE, 0::DOUBLE)");
    }

    private PipelineHost HostOf(IFeatureFunction function) => new(azurite, services => services.AddMlOps(add => add.AddFeatureFunction(function)));

    private static PipelineDefinition Definition() => new()
    {
        Model = AzuriteFixture.UniqueModel(),
        Target = "y",
        Columns = new Dictionary<string, ColumnRule>
        {
            ["a"] = new() { Required = false },
            ["flag"] = new() { Kind = ColumnKind.Boolean },
            ["color"] = new() { Kind = ColumnKind.Categorical },
        },
        Features = new FeatureRules { Custom = [new CustomFeature("mixed", "weighted", ["a", "flag", "at"])] },
        Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 10, EarlyStopping = 0 }],
    };

    private static string Csv(int rows)
    {
        var random = new Random(5);
        var csv = new StringBuilder("a,flag,at,color,y\n");
        for (var i = 0; i < rows; i++)
        {
            var a = i % 9 == 0 ? "" : random.Next(1000).ToString(CultureInfo.InvariantCulture);
            var at = new DateTime(2026, 1, 1).AddMinutes(random.Next(100_000)).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
            var flag = random.Next(2) == 0 ? "true" : "false";
            csv.Append(CultureInfo.InvariantCulture, $"{a},{flag},{at},{(i % 2 == 0 ? "red" : "blue")},{i % 50 + random.Next(5)}\n");
        }
        return csv.ToString();
    }

    /// <summary>What a caller sends of a line, as the model's numbers.</summary>
    private static string Read(InputReader reader, string[] cells)
    {
        var json = JsonSerializer.SerializeToElement(new
        {
            a = cells[0].Length == 0 ? (double?)null : double.Parse(cells[0], CultureInfo.InvariantCulture),
            flag = bool.Parse(cells[1]),
            at = cells[2],
            color = cells[3],
        });
        var problems = new List<string>();
        var row = reader.Read(json, "", problems);
        problems.Should().BeEmpty();
        return string.Join(' ', row.Numbers.Select(number => number.ToString("R", CultureInfo.InvariantCulture)));
    }

    /// <summary>Of a number, a flag and a datetime; missing now and then.</summary>
    private sealed class Weighted : IFeatureFunction
    {
        public string Name => "weighted";

        public string Version { get; init; } = "1";

        public double Weight { get; init; } = 3;

        public bool Throws { get; init; }

        public int Inputs => 3;

        public double Evaluate(ReadOnlySpan<double> inputs)
        {
            if (Throws)
            {
                throw new InvalidOperationException("No weight today.");
            }
            var hours = inputs[2] / 3.6e9 % 24;
            return double.IsNaN(inputs[0]) ? -1 : inputs[0] == 7 ? double.PositiveInfinity : (inputs[0] * Weight / (1 + inputs[1])) + hours;
        }
    }
}

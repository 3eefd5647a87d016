using System.Globalization;
using System.Text;
using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests;

/// <summary>Whole runs on input that is wrong or odd: they fail with a message that says what to do, or work where they should.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class BadInputTests(AzuriteFixture azurite)
{
    public static TheoryData<string, string, string> Wrong { get; } = new()
    {
        { "empty file", "", "is empty (0 bytes)" },
        { "header only", Trips.Header + "\n", "header but no rows" },
        { "one row", Trips.Csv(1), "at least 10" },
        { "no such target", Trips.Csv(60).Replace(",fare", ",price", StringComparison.Ordinal), "no column 'fare'" },
        { "target constant", Table(60, i => $"{i * 3 % 7},{i},9.5"), "same value ('9.5')" },
        { "target null", Table(60, i => $"{i * 3 % 7},{i},"), "60 null: fare" },
        { "target not numeric", Table(60, i => $"{i * 3 % 7},{i},dear{i}"), "most rows have a value of their own" },
        { "all rows ragged", Trips.Header + "\n" + string.Concat(Enumerable.Repeat("1,2\n", 30)), "another number of cells" },
        { "binary garbage", new string([.. Enumerable.Range(0, TestSize.Columns).Select(i => (char)(i * 7919 % 256))]), "no text file" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_run_on_wrong_input_fails_with_what_to_do_and_touches_nothing_else(string what, string content, string message)
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition();
        var good = await host.RunAsync(definition, host.WriteFile("good.csv", Trips.Csv(300, seed: 61)));

        var run = await host.RunAsync(definition, host.WriteFile("wrong.csv", content));

        run.Run.State.Should().Be(RunState.Failed, what);
        run.Run.Error.Should().Contain(message);
        run.Stages.Count(stage => stage.State == StageState.Failed).Should().Be(1);
        (await host.Get<RunStore>().FindAsync(good.Run.RunId, default)).Should().BeEquivalentTo(good.Run);
        var model = (await host.Get<ModelRegistry>().FindAsync(definition.Model, default))!;
        model.Production.Should().Be(1);
        model.LatestVersion.Should().Be(1);
    }

    public static TheoryData<string, string> Odd { get; } = new()
    {
        { "quotes and line breaks in cells", Table(200, i => $"\"a \"\"quoted\"\"\nname {i % 3}\",{i},{i % 50}.5") },
        { "a constant column", Table(200, i => $"same,{i * 7 % 100},{i % 50}.5") },
        { "an all-null column", Table(200, i => $",{i * 7 % 100},{i % 50}.5") },
        { "a category per row", Table(200, i => $"user{i * 31 % 211}x,{i * 7 % 100},{i % 50}.5") },
        { "NaN and Infinity here and there", Table(200, i => $"{(i % 20 == 0 ? "NaN" : i % 33 == 0 ? "Infinity" : i % 9)},{i * 7 % 100},{i % 50}.5") },
        { "some ragged rows", Table(200, i => i % 40 == 0 ? "x" : $"{i % 9},{i * 7 % 100},{i % 50}.5") },
    };

    [Theory]
    [MemberData(nameof(Odd))]
    public async Task A_run_on_odd_input_works(string what, string content)
    {
        await using var host = new PipelineHost(azurite);
        var path = host.WriteFile("odd.csv", content);
        var definition = await host.Get<DefinitionInference>().InferAsync(
            new PipelineDefinition { Model = AzuriteFixture.UniqueModel(), Target = "fare" }, path, default);

        // What is tried is what the stages make of the input: folds would train the same six times.
        var run = await host.RunAsync(definition with { Train = new TrainRules { Folds = 0 } }, path);

        run.Run.Error.Should().BeNull(what);
        run.Run.State.Should().Be(RunState.Succeeded);
    }

    [Fact]
    public async Task Sql_like_unicode_and_very_long_column_names_go_through_the_whole_pipeline_and_predict()
    {
        await using var host = new PipelineHost(azurite);
        string[] names = ["x\"; drop table y; --", new string('n', 500), "日本 🚕", "it's"];
        var csv = new StringBuilder(string.Join(',', names.Select(name => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\""))).Append(",fare\n");
        for (var i = 0; i < 300; i++)
        {
            csv.Append(CultureInfo.InvariantCulture, $"{i % 7},{i * 13 % 29},c'{i % 3},{i % 11}.5,{(i % 7) + (i % 11)}\n");
        }
        var definition = new PipelineDefinition
        {
            Model = AzuriteFixture.UniqueModel(),
            Target = "fare",
            Features = new FeatureRules { Interactions = [[names[0], names[1]]] },
            Columns =
                new Dictionary<string,
                ColumnRule>
                { [names[0]] = new() { Min = 0, Impute = new ImputeRule(ImputeStrategy.Mean) }, [names[2]] = new() { Allowed = ["c'0", "c'1", "c'2"] } },
            Train = new TrainRules { Folds = 0 },
            Candidates = [.. TrainerNames.BuiltIn.Select(trainer => new CandidateSpec { Trainer = trainer, Trees = 10 })],
        };

        var run = await host.RunAsync(definition, host.WriteFile("names.csv", csv.ToString()));

        run.Run.Error.Should().BeNull();
        var scorer = await ScorerAsync(host, definition.Model);
        var row = JsonSerializer.SerializeToElement(new Dictionary<string, object> { [names[0]] = 3, [names[1]] = 5, [names[2]] = "c'1", [names[3]] = 2.5 });
        scorer.Predict([row])[0].Score.Should().BeInRange(0, 20);
    }

    [Fact]
    public async Task Very_many_columns_train()
    {
        await using var host = new PipelineHost(azurite);
        var csv = new StringBuilder(string.Join(',', Enumerable.Range(0, TestSize.Columns).Select(i => $"c{i}"))).Append(",fare\n");
        var random = new Random(6);
        for (var row = 0; row < 120; row++)
        {
            csv.Append(string.Join(
                ',',
                Enumerable.Range(0, TestSize.Columns)
                    .Select(i => i % 100 == 0 ? $"v{random.Next(3)}" : random.Next(100).ToString(CultureInfo.InvariantCulture)))).Append(
                        CultureInfo.InvariantCulture, $",{random.Next(1000)}.5\n");
        }
        var path = host.WriteFile("wide.csv", csv.ToString());
        var definition = await host.Get<DefinitionInference>().InferAsync(
            new PipelineDefinition { Model = AzuriteFixture.UniqueModel(), Target = "fare" }, path, default);

        var run = await host.RunAsync(
            definition with { Train = new TrainRules { Folds = 0 }, Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 5 }] }, path);

        run.Run.Error.Should().BeNull();
        run.Run.State.Should().Be(RunState.Succeeded);
    }

    [Fact]
    public async Task A_category_never_seen_in_training_is_predicted_as_other()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition();
        await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(400, seed: 62)));
        var scorer = await ScorerAsync(host, definition.Model);

        var prediction = scorer.Predict([Trip("NEW")])[0];

        prediction.Score.Should().BeInRange(2, 40);
    }

    [Fact]
    public async Task Every_problem_of_every_row_to_predict_is_named()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition();
        await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(400, seed: 63)));
        var scorer = await ScorerAsync(host, definition.Model);
        var rows = JsonSerializer.SerializeToElement(new object[]
        {
            new { vendor = "VTS", passengers = "two", seconds = 3, mile = 1, payment = (string?)null },
            new { vendor = "VTS", passengers = 1, seconds = 3, miles = true, payment = "CRD", zzz = 1 },
            7,
        });

        var act = () => scorer.Predict([.. rows.EnumerateArray()]);

        act.Should().Throw<InputException>().Which.Problems.Should().BeEquivalentTo(
            "rows[0]: feature 'passengers' must be a number, not \"two\".",
            "rows[0]: feature 'mile' is not known; did you mean 'miles'?",
            "rows[0]: feature 'payment' is null, and the model has no value to fill it with.",
            "rows[0]: feature 'miles' (numeric) is missing.",
            "rows[1]: feature 'miles' must be a number, not true.",
            "rows[1]: feature 'zzz' is not known; known are vendor, passengers, seconds, miles, payment.",
            "rows[2]: the features must be a JSON object of column names and values.");
    }

    [Fact]
    public async Task Predictions_of_many_threads_equal_those_of_one()
    {
        await using var host = new PipelineHost(azurite);
        var definition = Trips.Definition();
        await host.RunAsync(definition, host.WriteFile("trips.csv", Trips.Csv(400, seed: 64)));
        var scorer = await ScorerAsync(host, definition.Model);
        var rows = Enumerable.Range(0, 500)
            .Select(i => JsonSerializer.SerializeToElement(
                new { vendor = "VTS", passengers = 1 + (i % 5), seconds = 10 * i, miles = i / 40.0, payment = "CRD" })).ToList();
        var expected = scorer.Predict(rows);

        var parallel = new Prediction[rows.Count];
        Parallel.For(0, rows.Count, i => parallel[i] = scorer.Predict([rows[i]])[0]);

        parallel.Select(prediction => (prediction.Score, prediction.Label)).Should().Equal(expected.Select(prediction => (prediction.Score, prediction.Label)));
        expected.Select(prediction => prediction.Score).Distinct().Count().Should().BeGreaterThan(20);
    }

    private static JsonElement Trip(string vendor) =>
        JsonSerializer.SerializeToElement(new { vendor, passengers = 2, seconds = 600, miles = 3.2, payment = "CRD" });

    private static async Task<ModelScorer> ScorerAsync(PipelineHost host, string model)
    {
        var version = await host.Get<ModelRegistry>().GetAsync(model, 1, default);
        return await ModelScorer.LoadAsync(host.Get<ArtifactStore>(), host.Get<FeatureFunctions>(), version.ToFiles(), default);
    }

    private static string Table(int rows, Func<int, string> row) => "kind,miles,fare\n" + string.Concat(Enumerable.Range(0, rows).Select(i => row(i) + "\n"));
}

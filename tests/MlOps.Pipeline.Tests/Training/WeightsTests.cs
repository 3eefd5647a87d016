using System.Globalization;
using System.Text;
using System.Text.Json;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Training;

/// <summary>Rows that count differently in learning.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class WeightsTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly string model = AzuriteFixture.UniqueModel();
    private PipelineHost host = null!;

    public Task InitializeAsync()
    {
        host = new PipelineHost(azurite);
        return Task.CompletedTask;
    }

    public Task DisposeAsync() => host.DisposeAsync().AsTask();

    [Theory]
    [InlineData(TaskKind.Regression)]
    [InlineData(TaskKind.Multiclass)]
    public async Task Rows_of_no_weight_teach_nothing(TaskKind task)
    {
        var able = TrainerNames.BuiltIn.Where(trainer => task != TaskKind.Multiclass || trainer != TrainerNames.FastForest);
        foreach (var (trainer, i) in able.Select((trainer, i) => (trainer, i)))
        {
            var definition = new PipelineDefinition
            {
                Model = $"{model}-{i}",
                Target = "y",
                Task = task,
                Weights = "sure",
                Train = new TrainRules { Folds = 2 },
                Candidates = [new CandidateSpec { Trainer = trainer, Trees = 40, Leaves = 8 }],
            };

            var run = await host.RunAsync(definition, host.WriteFile("rows.csv", Csv(task)));

            run.Run.State.Should().Be(RunState.Succeeded, $"{trainer}: {run.Run.Error}");
            var scorer = await ScorerOf(definition.Model);
            var predictions = scorer.Predict([Row(0.1), Row(0.9)]);
            if (task == TaskKind.Regression)
            {
                predictions[0].Score.Should().BeApproximately(1, 1.5, trainer);
                predictions[1].Score.Should().BeApproximately(9, 1.5, trainer);
            }
            else
            {
                predictions.Select(prediction => prediction.Label).Should().Equal(["c0", "c2"], trainer);
            }
        }

        // Where x is small y is small, but for two thirds of the rows, which say the contrary and count nothing.
        static string Csv(TaskKind task)
        {
            var random = new Random(5);
            var csv = new StringBuilder("x,sure,y\n");
            for (var i = 0; i < 900; i++)
            {
                var (x, lies) = (random.NextDouble(), i % 3 != 0);
                var told = lies ? 1 - x : x;
                var y = task switch
                {
                    TaskKind.Regression => (10 * told).ToString("0.000", CultureInfo.InvariantCulture),
                    _ => told < 1 / 3.0 ? "c0" : told < 2 / 3.0 ? "c1" : "c2",
                };
                csv.Append(CultureInfo.InvariantCulture, $"{x:0.0000},{(lies ? 0 : 1.5)},{y}\n");
            }
            return csv.ToString();
        }
    }

    [Theory]
    [InlineData(TrainerNames.LightGbm)]
    [InlineData(TrainerNames.FastForest)]
    [InlineData(TrainerNames.Sdca)]
    public async Task Balanced_classes_count_the_same(string trainer)
    {
        var path = host.WriteFile("rare.csv", Rare(2000, classes: 2));
        var definition = new PipelineDefinition
        {
            Model = model,
            Target = "kind",
            Train = new TrainRules { Folds = 2 },
            Candidates = [new CandidateSpec { Trainer = trainer, Trees = 30, Leaves = 4 }],
        };

        var plain = await host.RunAsync(definition, path);
        var balanced = await host.RunAsync(definition with { Weights = RowWeights.Balanced }, path);

        balanced.Run.State.Should().NotBe(RunState.Failed, balanced.Run.Error);
        balanced.Metrics["val_recall"].Should().BeGreaterThan(plain.Metrics["val_recall"] + 0.3);
        balanced.Metrics["val_auc"].Should().BeGreaterThan(plain.Metrics["val_auc"] - 0.05);
        balanced.Metrics.Should().NotContainKey("0-" + trainer + ".platt_slope", "calibration would take the weights back");
    }

    [Fact]
    public async Task Several_classes_are_balanced_too()
    {
        var path = host.WriteFile("rare.csv", Rare(2000, classes: 3));
        var definition = new PipelineDefinition
        {
            Model = model,
            Target = "kind",
            Train = new TrainRules { Folds = 2 },
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 30, Leaves = 4 }],
        };

        var plain = await host.RunAsync(definition, path);
        var balanced = await host.RunAsync(definition with { Weights = RowWeights.Balanced }, path);

        var forest = await host.RunAsync(
            definition with { Weights = RowWeights.Balanced, Candidates = [new CandidateSpec { Trainer = TrainerNames.FastForest }] }, path);

        forest.Run.Error.Should().Contain("cannot heed weights");
        balanced.Metrics["val_f1_macro"].Should().BeGreaterThan(plain.Metrics["val_f1_macro"]);
        balanced.Metrics["val_log_loss"].Should().BeGreaterThan(plain.Metrics["val_log_loss"], "probabilities are those of classes of the same size");
    }

    [Fact]
    public async Task Only_their_proportions_matter()
    {
        var random = new Random(7);
        var csv = new StringBuilder("x,gram,kilogram,y\n");
        for (var i = 0; i < 400; i++)
        {
            var (x, gram) = (random.NextDouble(), 1 << random.Next(12));
            csv.Append(CultureInfo.InvariantCulture, $"{x:0.0000},{gram},{gram / 1024.0:R},{(Math.Sin(5 * x) + random.NextDouble()):0.0000}\n");
        }
        var path = host.WriteFile("rows.csv", csv.ToString());
        var definition = new PipelineDefinition
        {
            Model = model,
            Target = "y",
            Columns = new Dictionary<string, ColumnRule> { ["gram"] = new() { Ignore = true }, ["kilogram"] = new() { Ignore = true } },
            Train = new TrainRules { Folds = 2 },
            Candidates = [.. TrainerNames.BuiltIn.Select(trainer => new CandidateSpec { Trainer = trainer, Trees = 20 })],
        };

        var none = await host.RunAsync(definition, path);
        var grams = await host.RunAsync(definition with { Weights = "gram", Columns = Only("kilogram") }, path);
        var kilograms = await host.RunAsync(definition with { Weights = "kilogram", Columns = Only("gram") }, path);

        foreach (var key in definition.CandidateKeys)
        {
            kilograms.Metrics[$"{key}.rmse"].Should().BeApproximately(grams.Metrics[$"{key}.rmse"], 1e-6, key).And.NotBe(none.Metrics[$"{key}.rmse"]);
        }

        static Dictionary<string, ColumnRule> Only(string ignored) => new() { [ignored] = new() { Ignore = true } };
    }

    [Fact]
    public async Task The_column_is_no_input_and_rows_without_a_weight_are_left_out()
    {
        var csv = new StringBuilder("x,w,y\n");
        var random = new Random(3);
        for (var i = 0; i < 200; i++)
        {
            var x = random.NextDouble();
            csv.Append(CultureInfo.InvariantCulture, $"{x:0.000},{(i < 3 ? "" : i < 5 ? "-1" : "2")},{3 * x:0.000}\n");
        }
        var definition = new PipelineDefinition
        {
            Model = model,
            Target = "y",
            Weights = "w",
            Candidates = [new CandidateSpec { Trainer = TrainerNames.Sdca }],
        };

        var run = await host.RunAsync(definition, host.WriteFile("rows.csv", csv.ToString()));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        run.Metrics.Should().Contain("dropped: null: w", 3).And.Contain("dropped: weight below 0: w", 2);
        var scorer = await ScorerOf(model);
        scorer.Signature.Inputs.Select(input => input.Name).Should().Equal("x");
        scorer.Predict([Row(0.5)])[0].Score.Should().BeApproximately(1.5, 0.1);
    }

    [Fact]
    public async Task A_column_that_cannot_weigh_is_refused()
    {
        var csv = new StringBuilder("x,note,zero,y\n");
        for (var i = 0; i < 100; i++)
        {
            csv.Append(CultureInfo.InvariantCulture, $"{i % 7},n{i % 3},0,{i % 5}.5\n");
        }
        var path = host.WriteFile("rows.csv", csv.ToString());
        var definition = new PipelineDefinition { Model = model, Target = "y" };

        var text = await host.RunAsync(definition with { Weights = "note" }, path);
        var missing = await host.RunAsync(definition with { Weights = "nota" }, path);
        var zero = await host.RunAsync(definition with { Weights = "zero" }, path);
        var amounts = await host.RunAsync(definition with { Weights = RowWeights.Balanced }, path);

        text.Run.Error.Should().Contain("'note' is the weights, and it is categorical: weights are numbers, 0 or more");
        missing.Run.Error.Should().Contain("no column 'nota' (weights)").And.Contain("note");
        zero.Run.Error.Should().Contain("it is 0 in all training rows");
        amounts.Run.Error.Should().Contain("only classes can be balanced");
    }

    [Theory]
    [InlineData("""{ "model": "m", "target": "y", "weights": "y" }""", "*weights is 'y', which is the target*")]
    [InlineData("""{ "model": "m", "target": "y", "weights": "w", "columns": { "w": "ignore" } }""", "*columns.w is the weights and cannot be ignored*")]
    [InlineData("""{ "model": "m", "target": "y", "weights": "w", "features": { "logs": ["w"] } }""", "*features uses the weights 'w'*")]
    [InlineData("""{ "model": "m", "target": "y", "weights": "balanced", "task": "regression" }""", "*only classes can be balanced*")]
    public void A_definition_that_contradicts_itself_is_refused(string json, string problem)
    {
        var read = () => DefinitionJson.Read(json);

        read.Should().Throw<InputException>().WithMessage(problem);
    }

    [Fact]
    public void A_definition_keeps_its_weights()
    {
        var definition = DefinitionJson.Read("""{ "model": "m", "target": "y", "weights": "balanced" }""");

        definition.Weights.Should().Be(RowWeights.Balanced);
        DefinitionJson.Read(DefinitionJson.Write(definition)).Weights.Should().Be(RowWeights.Balanced);
    }

    private async Task<ModelScorer> ScorerOf(string name)
    {
        var version = await host.Get<ModelRegistry>().GetAsync(name, 1, default);
        return await ModelScorer.LoadAsync(host.Get<ArtifactStore>(), host.Get<FeatureFunctions>(), version.ToFiles(), default);
    }

    private static JsonElement Row(double x) => JsonDocument.Parse(string.Create(CultureInfo.InvariantCulture, $"{{\"x\": {x}}}")).RootElement;

    /// <summary>Rare kinds, which are told from the usual one only by chance.</summary>
    private static string Rare(int rows, int classes)
    {
        var random = new Random(11);
        var csv = new StringBuilder("x,z,kind\n");
        for (var i = 0; i < rows; i++)
        {
            var kind = random.NextDouble() < 0.9 ? 0 : random.Next(1, classes);
            csv.Append(CultureInfo.InvariantCulture, $"{kind + (1.2 * Normal()):0.000},{Normal():0.000},k{kind}\n");
        }
        return csv.ToString();

        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
    }
}

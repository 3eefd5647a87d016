using System.Globalization;
using System.Text;
using System.Text.Json;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Scoring;
using MlOps.Pipeline.Tests.Cases;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Training;

/// <summary>Targets of three classes and more, through whole runs.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class MulticlassTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly string model = AzuriteFixture.UniqueModel();
    private PipelineHost host = null!;

    public Task InitializeAsync()
    {
        host = new PipelineHost(azurite);
        return Task.CompletedTask;
    }

    public Task DisposeAsync() => host.DisposeAsync().AsTask();

    /// <summary>Classes that two numbers tell nearly always, in an order that is not that of their rows.</summary>
    private static string Csv(int rows, int seed = 1, int classes = 4)
    {
        var random = new Random(seed);
        var csv = new StringBuilder("x,y,colour,kind\n");
        for (var i = 0; i < rows; i++)
        {
            var kind = random.Next(classes);
            var (x, y) = ((kind % 2) + (0.3 * Normal()), (kind / 2) + (0.3 * Normal()));
            csv.Append(CultureInfo.InvariantCulture, $"{x:0.0000},{y:0.0000},{(random.Next(2) == 0 ? "red" : "blue")},{(char)('z' - kind)}{kind}\n");
        }
        return csv.ToString();

        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
    }

    private PipelineDefinition Definition(params string[] trainers) => new()
    {
        Model = model,
        Target = "kind",
        Candidates = [.. trainers.Select(trainer => new CandidateSpec { Trainer = trainer, Trees = 40, Leaves = 8 })],
    };

    [Fact]
    public async Task Every_trainer_learns_every_class()
    {
        var definition = Definition([.. TrainerNames.BuiltIn]);

        var run = await host.RunAsync(definition, host.WriteFile("kinds.csv", Csv(800)));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        foreach (var key in definition.CandidateKeys)
        {
            run.Metrics[$"{key}.accuracy"].Should().BeGreaterThan(0.85, key);
            run.Metrics[$"{key}.f1_macro"].Should().BeGreaterThan(0.85, key);
            run.Metrics[$"{key}.auc"].Should().BeGreaterThan(0.97, key);
            run.Metrics[$"{key}.oof_log_loss"].Should().BeLessThan(0.6, $"{key}; to know nothing is {Math.Log(4):0.00}");
        }
        run.Params["chosenBy"].Should().Be("oof_log_loss");
        run.Metrics.Should().ContainKeys("val_log_loss", "val_accuracy", "val_f1_macro", "val_f1_weighted", "val_auc")
            .And.ContainKeys($"{IntervalMetrics.Low}val_log_loss", $"{IntervalMetrics.High}val_accuracy");
        (await host.Get<ModelRegistry>().GetAsync(model, 1, default)).Task.Should().Be(TaskKind.Multiclass);
    }

    [Fact]
    public async Task A_row_gets_what_the_model_was_measured_by()
    {
        var run = await host.RunAsync(Definition(TrainerNames.LightGbm), host.WriteFile("kinds.csv", Csv(600)));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        await Skew.CheckAsync(host, run, host.WriteFile("kinds.csv", Csv(600)));
    }

    [Fact]
    public async Task Sets_hold_the_declared_share_of_rows_beside_a_baseline_and_groups_of_rows_are_measured()
    {
        const int Fresh = 2000;
        var run = await host.RunAsync(Definition(TrainerNames.LightGbm) with { Slices = ["colour"] }, host.WriteFile("kinds.csv", Csv(800, seed: 21)));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        var version = await host.Get<ModelRegistry>().GetAsync(model, 1, default);
        var scorer = await ModelScorer.LoadAsync(host.Get<ArtifactStore>(), host.Get<FeatureFunctions>(), version.ToFiles(), default);
        var lines = Csv(Fresh, seed: 22).TrimEnd('\n').Split('\n').Skip(1).Select(line => line.Split(',')).ToList();
        JsonElement[] rows =
        [
            .. lines.Select(cells => JsonDocument.Parse($$"""{"x": {{cells[0]}}, "y": {{cells[1]}}, "colour": "{{cells[2]}}"}""").RootElement)
        ];
        var predictions = scorer.Predict(rows);
        foreach (var level in new[] { 0.8, 0.9, 0.95 })
        {
            var sets = (await scorer.RangesAsync(rows, predictions, level, default)).Sets!;
            sets.Should().OnlyContain(set => set.Count >= 1);
            var coverage = sets.Zip(lines, (set, cells) => set.Contains(cells[3]) ? 1.0 : 0).Average();
            // Of the rows that tell (out of fold), and of those that are asked about. The most probable class is in each set, so easy rows hold more.
            var deviation = Math.Sqrt(level * (1 - level) * ((1.0 / 640) + (1.0 / Fresh)));
            coverage.Should().BeGreaterThan(level - (4 * deviation), $"at {level}").And.BeLessThan(Math.Max(level + (4 * deviation), 0.97));
        }
        run.Metrics["val_set_coverage"].Should().BeInRange(0.8, 1);
        run.Metrics["val_set_size"].Should().BeInRange(1, 2);
        run.Metrics["baseline_log_loss"].Should().BeApproximately(Math.Log(4), 0.02);
        run.Metrics["baseline_accuracy"].Should().BeInRange(0.1, 0.4);
        run.Metrics["slice.colour.worst_log_loss"].Should().BeGreaterThanOrEqualTo(run.Metrics["0-lightgbm.oof_log_loss"]).And.BeLessThan(0.7);
    }

    [Fact]
    public async Task The_card_tells_which_class_is_taken_for_which()
    {
        var run = await host.RunAsync(Definition(TrainerNames.LightGbm), host.WriteFile("kinds.csv", Csv(600)));

        var card = await ReadAsync(run, "model-card.html");
        card.Should().Contain("Classification: kind is one of 4 classes").And.Contain("Which class is taken for which")
            .And.Contain("aria-label=\"Confusion matrix").And.NotContain("ROC curve");
        var confusion = (await ReadAsync(run, "confusion.csv")).TrimEnd('\n').Split('\n').Select(line => line.Split(',')).ToList();
        confusion[0].Should().Equal("true class", "w3", "x2", "y1", "z0");
        var counts = confusion.Skip(1).Select(row => row.Skip(1).Select(int.Parse).ToArray()).ToArray();
        var rows = counts.Sum(row => row.Sum());
        rows.Should().Be((int)run.Stages.Single(stage => stage.Stage == "validate").Rows!);
        ((double)counts.Select((row, place) => row[place]).Sum() / rows).Should().BeApproximately(run.Metrics["val_accuracy"], 1e-12);
        (await ReadAsync(run, "model-card.md")).Should().Contain("tabular-classification").And.Contain("f1_macro").And.Contain("| w3 |");
        (await ReadAsync(run, "shap_values.csv")).Should().StartWith("class,prediction,base_value,x,y,colour\n");
        (await ReadAsync(run, "explain.html")).Should().Contain("The score of the class of kind that is predicted");
    }

    [Fact]
    public async Task Trees_that_learn_one_model_a_class_are_left_out_of_many_classes_unless_they_are_asked_for()
    {
        var definition = Definition() with
        {
            Train = new TrainRules { Folds = 0 },
            Candidates = [Few(TrainerNames.LightGbm), Few(TrainerNames.FastTree)],
        };
        var path = host.WriteFile("kinds.csv", Csv(900, classes: 22));

        var run = await host.RunAsync(definition, path);
        var asked = await host.RunAsync(definition with { Candidates = [Few(TrainerNames.FastTree) with { MaxClasses = 22 }] }, path);

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        run.Params["winner"].Should().Be("0-lightgbm");
        run.Stages.SelectMany(stage => stage.Warnings ?? []).Select(warning => warning.Text).Should()
            .ContainMatch("*22 classes*maxClasses of 20*");
        asked.Metrics.Should().ContainKey("0-fasttree.log_loss");

        static CandidateSpec Few(string trainer) => new() { Trainer = trainer, Trees = 5, Leaves = 4 };
    }

    [Fact]
    public async Task Production_that_knows_other_classes_is_compared_on_those_of_the_new_data()
    {
        var definition = Definition(TrainerNames.LightGbm) with { Train = new TrainRules { Folds = 0 } };
        await host.RunAsync(definition, host.WriteFile("first.csv", Csv(600, seed: 1, classes: 3)));

        var run = await host.RunAsync(definition, host.WriteFile("second.csv", Csv(800, seed: 2, classes: 4)));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        run.Run.Promoted.Should().BeTrue(run.Run.Error);
        run.Metrics["production_accuracy"].Should().BeInRange(0.5, 0.85, "it never says the fourth class, and is right about most of the others");
        run.Metrics["production_log_loss"].Should().BeGreaterThan(3, "a quarter of the rows is of a class that it gives no probability to");
    }

    [Fact]
    public async Task Class_names_of_any_kind_come_back_as_they_are()
    {
        string[] names = ["a,b", "it's \"so\"", "Ünï", "0", "<b>"];
        var random = new Random(3);
        var csv = "x,kind\n" + string.Concat(Enumerable.Range(0, 400).Select(i =>
        {
            var place = random.Next(names.Length);
            var name = names[place].Replace("\"", "\"\"", StringComparison.Ordinal);
            return string.Create(CultureInfo.InvariantCulture, $"{place + (0.3 * random.NextDouble()):0.0000},\"{name}\"\n");
        }));

        var run = await host.RunAsync(Definition(TrainerNames.LightGbm), host.WriteFile("names.csv", csv));

        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        run.Metrics["val_accuracy"].Should().BeGreaterThan(0.95);
        var confusion = await ReadAsync(run, "confusion.csv");
        confusion.Should().StartWith("true class,0,<b>,\"a,b\",\"it's \"\"so\"\"\",Ünï\n");
        (await ReadAsync(run, "model-card.html")).Should().Contain("&lt;b&gt;").And.NotContain("<b>");
    }

    private async Task<string> ReadAsync(RunDetails run, string path) =>
        (await host.Get<ArtifactStore>().FindAsync(run.Artifacts.Single(artifact => artifact.Path == path).Blob, default))!.ToString();
}

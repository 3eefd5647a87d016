using System.Globalization;
using System.Text;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Stages.Validate;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Training;

/// <summary>Columns that are the target in another form are told; columns that are good at telling it are not.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class TargetLeakTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly string model = AzuriteFixture.UniqueModel();
    private readonly Random random = new(7);
    private PipelineHost host = null!;

    public Task InitializeAsync()
    {
        host = new PipelineHost(azurite);
        return Task.CompletedTask;
    }

    public Task DisposeAsync() => host.DisposeAsync().AsTask();

    [Fact]
    public async Task Of_a_number()
    {
        var csv = new StringBuilder("honest,noise,twice,falling,word,y\n");
        for (var i = 0; i < 2_000; i++)
        {
            var y = random.Next(1, 41);
            csv.Append(CultureInfo.InvariantCulture, $"{y + (8 * random.NextDouble()):F3},{random.Next(100)},{2 * y},{1.0 / y:F6},w{y * 17 % 41},{y}\n");
        }

        var told = await ToldAsync("y", csv.ToString());

        told.Should().HaveCount(3);
        told["twice"].Should().Be("'twice' all but tells the target: its rank correlation with the target is 1. If it is known only together with the target, "
            + "the metrics promise too much: leave it out (\"columns\": { \"twice\": \"ignore\" }).");
        told["falling"].Should().Contain("rank correlation with the target is -1.");
        told["word"].Should().Contain("rows with the same value of it have the same target");
    }

    [Fact]
    public async Task Of_two_classes()
    {
        var csv = new StringBuilder("honest,noise,score,flag,refund,closed,stage,cancelled\n");
        for (var i = 0; i < 1_000; i++)
        {
            var yes = random.Next(4) == 0;
            var (refund, closed) = (yes ? $"{random.Next(1000, 99999)}" : "", yes ? "" : $"0.{random.Next(1000, 9999)}");
            csv.Append(CultureInfo.InvariantCulture, $"{(yes ? 0.6 : 0) + random.NextDouble():F3},{random.NextDouble():F3},")
                .Append(CultureInfo.InvariantCulture, $"{(yes ? 5 : 3) + random.NextDouble():F3},{(yes ? "true" : "false")},{refund},{closed},")
                .Append(CultureInfo.InvariantCulture, $"{(yes ? "out" : "in")}{random.Next(3)},{(yes ? "yes" : "no")}\n");
        }

        var told = await ToldAsync("cancelled", csv.ToString());

        told.Keys.Should().BeEquivalentTo("score", "flag", "refund", "closed", "stage");
        told["score"].Should().Contain("by itself it puts the two classes into order (AUC 1)");
        told["refund"].Should().Contain("(which may stand for a gap) tells it");
    }

    [Fact]
    public async Task Of_several_classes()
    {
        string[] kinds = ["ant", "bee", "cat", "dog"];
        var csv = new StringBuilder("honest,noise,code,\"the \"\"order\"\"\",kind\n");
        for (var i = 0; i < 1_200; i++)
        {
            var kind = random.Next(kinds.Length);
            csv.Append(CultureInfo.InvariantCulture, $"{kind + (2 * random.NextDouble()):F3},{random.NextDouble():F3},{"wxyz"[kind]}{random.Next(3)},")
                .Append(CultureInfo.InvariantCulture, $"{kind * 3},{kinds[kind]}\n");
        }

        var told = await ToldAsync("kind", csv.ToString());

        told.Keys.Should().BeEquivalentTo("code", "the \"order\"");
        told["code"].Should().Contain("rows with the same value of it have the same target");
        told["the \"order\""].Should().EndWith("""leave it out ("columns": { "the \"order\"": "ignore" }).""");
    }

    [Fact]
    public async Task Of_a_number_that_is_there_where_another_is_not()
    {
        var csv = new StringBuilder("honest,noise,returned,paid\n");
        for (var i = 0; i < 1_000; i++)
        {
            var paid = random.Next(3) > 0 ? 25 : 0;
            csv.Append(CultureInfo.InvariantCulture, $"{paid + (40 * random.NextDouble()):F3},{random.NextDouble():F3},")
                .Append(CultureInfo.InvariantCulture, $"{(paid > 0 ? "" : $"{random.Next(1000, 99999)}")},{paid}\n");
        }

        var told = await ToldAsync("paid", csv.ToString(), task: TaskKind.Regression);

        told.Keys.Should().BeEquivalentTo("returned");
        told["returned"].Should().Contain("tells it");
    }

    /// <summary>What fills the gaps is frequent among the other rows: the values themselves show nothing.</summary>
    [Theory]
    [InlineData(TaskKind.Binary)]
    [InlineData(TaskKind.Multiclass)]
    [InlineData(TaskKind.Regression)]
    public async Task Of_gaps_that_are_filled_with_a_frequent_value(TaskKind task)
    {
        string[] targets = task switch
        {
            TaskKind.Binary => ["no", "yes"],
            TaskKind.Multiclass => ["ant", "bee", "cat"],
            _ => ["0", "250000000"],
        };
        var csv = new StringBuilder("honest,noise,grade,branch,sometimes,target\n");
        for (var i = 0; i < 1_000; i++)
        {
            var target = random.Next(targets.Length);
            var (grade, branch) = target == 0 ? ("", "") : ($"{random.Next(1, 4)}", random.Next(2) == 0 ? "north" : "south");
            csv.Append(CultureInfo.InvariantCulture, $"{target + (2 * random.NextDouble()):F3},{random.NextDouble():F3},{grade},{branch},")
                .Append(CultureInfo.InvariantCulture, $"{(random.Next(3) == 0 ? "" : $"{random.Next(9)}")},{targets[target]}\n");
        }

        var told = await ToldAsync("target", csv.ToString(), task: task, columns: new Dictionary<string, ColumnRule>
        {
            ["grade"] = new() { Impute = new ImputeRule(ImputeStrategy.Median) },
            ["branch"] = new() { Impute = new ImputeRule(ImputeStrategy.MostFrequent) },
            ["sometimes"] = new() { Impute = new ImputeRule(ImputeStrategy.Median) },
        });

        told.Keys.Should().BeEquivalentTo("grade", "branch");
        told.Values.Should().OnlyContain(text => text.Contains("all but tells the target: whether it has a value tells it. If"));
    }

    [Fact]
    public async Task Of_what_is_computed_from_two_columns()
    {
        var csv = new StringBuilder("count,each,noise,total\n");
        for (var i = 0; i < 1_000; i++)
        {
            var (count, each) = (random.Next(1, 9), random.Next(100, 999));
            csv.Append(CultureInfo.InvariantCulture, $"{count},{each},{random.NextDouble():F3},{count * each}\n");
        }

        var told = await ToldAsync("total", csv.ToString(), new FeatureRules { Interactions = [["count", "each"]] });

        told.Should().ContainSingle().Which.Value.Should().MatchRegex(
            "^'[^']+', computed from 'count' and 'each', all but tells the target: .* "
                + "leave out what is known so late \\(\"columns\": { \"count\": \"ignore\" }\\)\\.$");
    }

    private async Task<Dictionary<string, string>> ToldAsync(
        string target, string csv, FeatureRules? features = null, TaskKind? task = null, Dictionary<string, ColumnRule>? columns = null)
    {
        var file = host.WriteFile("table.csv", csv);
        var definition = await host.Get<DefinitionInference>().InferAsync(
            new PipelineDefinition { Model = model, Target = target }, file, CancellationToken.None);
        var run = await host.RunAsync(
            definition with
            {
                Task = task ?? definition.Task,
                Columns = columns ?? definition.Columns,
                Features = features ?? definition.Features,
                Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm }],
            },
            file);
        run.Run.State.Should().Be(RunState.Succeeded, run.Run.Error);
        var warnings = run.Stages.Single(stage => stage.Stage == ValidateStage.Name).Warnings!
            .Where(warning => warning.Text.Contains("all but tells", StringComparison.Ordinal)).ToList();
        warnings.Should().OnlyContain(warning => warning.Headline);
        return warnings.ToDictionary(warning => warning.Column!, warning => warning.Text);
    }
}

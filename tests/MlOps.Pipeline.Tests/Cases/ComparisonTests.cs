using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Cases;

/// <summary>A second file of a model whose columns are not what they were: compared fairly, or not at all, and said why.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class ComparisonTests(AzuriteFixture azurite) : IAsyncLifetime
{
    /// <summary>What is tried is what is compared with what, not how well models learn.</summary>
    private static readonly IReadOnlyList<CandidateSpec> Quick =
        [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 30 }, new CandidateSpec { Trainer = TrainerNames.Sdca }];

    private static readonly TrainRules NoFolds = new() { Folds = 0 };

    private readonly string model = AzuriteFixture.UniqueModel();
    private PipelineHost host = null!;

    public Task InitializeAsync()
    {
        host = new PipelineHost(azurite);
        return Task.CompletedTask;
    }

    public Task DisposeAsync() => host.DisposeAsync().AsTask();

    [Theory]
    [InlineData("46-a-num.csv", "46-b-text.csv", "Column 'b' is categorical in the data, and version 1 reads it as numeric")]
    [InlineData("46-a-num.csv", "46-c-date.csv", "Column 'b' is datetime in the data, and version 1 reads it as numeric")]
    [InlineData("49-a-date.csv", "49-b-text.csv", "Column 'b' is categorical in the data, and version 1 reads it as datetime")]
    public async Task Production_that_cannot_read_a_column_is_not_compared(string first, string second, string told)
    {
        var before = await TrainAsync(first);
        before.Run.State.Should().Be(RunState.Succeeded);
        await Skew.CheckAsync(host, before, CaseFiles.Path(first));

        var run = await TrainAsync(second);

        run.Run.State.Should().Be(RunState.Blocked, run.Run.Error);
        run.Run.BlockedBy.Should().ContainSingle().Which.Should().Contain(told).And.NotContain("NaN");
        run.Metrics.Should().NotContainKey("production_rmse");
        await Skew.CheckAsync(host, run, CaseFiles.Path(second));
    }

    [Theory]
    [InlineData("48-a-yesno.csv", "48-b-truefalse.csv")]
    [InlineData("48-b-truefalse.csv", "48-c-01.csv")]
    [InlineData("48-c-01.csv", "48-a-yesno.csv")]
    public async Task The_spellings_of_a_boolean_are_one_target(string first, string second)
    {
        var before = await TrainAsync(first);
        before.Run.State.Should().Be(RunState.Succeeded);
        await Skew.CheckAsync(host, before, CaseFiles.Path(first));

        var run = await TrainAsync(second);

        run.Run.State.Should().BeOneOf(RunState.Succeeded, RunState.Blocked);
        run.Metrics["production_auc"].Should().BeGreaterThan(0.8);
        run.Run.BlockedBy.Should().NotContainMatch("*cannot be scored*");
        await Skew.CheckAsync(host, run, CaseFiles.Path(second));
    }

    [Fact]
    public async Task Production_is_measured_on_the_same_rows_or_not_at_all()
    {
        var path = CaseFiles.Path("53-a.csv");
        var first = DefinitionJson.Read(await File.ReadAllTextAsync(CaseFiles.Path("53a.json"))) with { Model = model };
        var second = DefinitionJson.Read(await File.ReadAllTextAsync(CaseFiles.Path("53b.json"))) with { Model = model };
        var before = await host.RunAsync(first, path);
        before.Run.State.Should().Be(RunState.Succeeded);
        await Skew.CheckAsync(host, before, path);

        // Every fourth row of the second file has no b, which the second definition allows.
        var lines = (await File.ReadAllLinesAsync(path)).Select((line, i) => i > 0 && i % 4 == 0 ? $"{line.Split(',')[0]},,{line.Split(',')[2]}" : line);
        var gaps = host.WriteFile("53-b.csv", string.Join('\n', lines));
        var run = await host.RunAsync(second, gaps);

        run.Run.State.Should().Be(RunState.Blocked, run.Run.Error);
        run.Run.BlockedBy.Should().ContainSingle().Which.Should().Contain("Column 'b' has no value in").And.Contain("version 1 has nothing to fill it with");
        await Skew.CheckAsync(host, run, gaps);
    }

    [Fact]
    public async Task A_new_column_moves_no_row_to_the_other_side_of_the_split()
    {
        string Csv(bool more) => $"a,b,{(more ? "extra," : "")}y\n" + string.Concat(Enumerable.Range(0, 600).Select(
            i => $"{i % 37},{i * 7 % 101},{(more ? $"{i % 5}," : "")}{(i % 37) + (2 * (i * 7 % 101))}\n"));
        (await TrainFileAsync(host.WriteFile("first.csv", Csv(more: false)))).Run.State.Should().Be(RunState.Succeeded);

        var run = await TrainFileAsync(host.WriteFile("second.csv", Csv(more: true)));

        run.Stages.Single(stage => stage.Stage == "promote").Warnings.Should().BeNullOrEmpty("no validation row is among production's training rows");
        run.Metrics.Should().ContainKey("production_rmse");
    }

    [Fact]
    public async Task Rows_that_production_was_trained_on_are_left_out_of_the_comparison()
    {
        var csv = "a,b,y\n" + string.Concat(Enumerable.Range(0, 600).Select(i => $"{i % 37},{i * 7 % 101},{(i % 37) + (2 * (i * 7 % 101))}\n"));
        var definition = new PipelineDefinition { Model = model, Target = "y", Train = NoFolds, Candidates = Quick };
        (await host.RunAsync(definition, host.WriteFile("rows.csv", csv))).Run.State.Should().Be(RunState.Succeeded);

        var run = await host.RunAsync(definition with { Split = new SplitRules { Seed = 7, Validation = 0.4 } }, host.WriteFile("rows.csv", csv));

        run.Stages.Single(stage => stage.Stage == "promote").Warnings!.Select(warning => warning.Text)
            .Should().ContainMatch("*validation rows are among those that production was trained on*");

        // Of fewer validation rows some stay, or none: no comparison.
        foreach (var (validation, seed, least, most) in new[] { (0.15, 7, 1, 29), (0.003, 8, 0, 0) })
        {
            var few = await host.RunAsync(
                definition with { Split = new SplitRules { Seed = seed, Validation = validation }, Candidates = [Quick[0]] }, host.WriteFile("rows.csv", csv));

            few.Run.State.Should().Be(RunState.Blocked, few.Run.Error);
            var told = few.Run.BlockedBy.Should().ContainSingle().Which;
            told.Should().MatchRegex("^production: only [0-9]+ rows are there to compare version [0-9]+ with version 1 by; 30 are the fewest");
            int.Parse(told.Split(' ')[2], CultureInfo.InvariantCulture).Should().BeInRange(least, most);
            few.Metrics.Should().NotContainKeys("production_rmse", ProductionMetrics.Gain);
        }
    }

    [Fact]
    public async Task A_candidate_that_is_better_by_chance_is_told_and_the_significance_gate_keeps_it_out()
    {
        var random = new Random(5);
        var csv = "x,z,y\n" + string.Concat(Enumerable.Range(0, 600).Select(
            _ => string.Create(CultureInfo.InvariantCulture, $"{random.Next(100)},{random.Next(100)},{random.Next(1000)}\n")));
        // Nothing is there to learn: a tree more is a little better, or worse, by chance.
        var first = new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = 3, EarlyStopping = 0 };
        var definition = new PipelineDefinition
        {
            Model = model,
            Target = "y",
            Train = NoFolds,
            Candidates = [first],
            Gates = new GateRules { Significance = 0.95 },
        };
        var path = host.WriteFile("noise.csv", csv);
        (await host.RunAsync(definition, path)).Run.State.Should().Be(RunState.Succeeded, "there is nothing to be better than");

        var gated = await host.RunAsync(definition with { Candidates = [first with { Trees = 4 }] }, path);
        var free = await host.RunAsync(definition with { Candidates = [first with { Trees = 4 }], Gates = new GateRules() }, path);

        foreach (var run in new[] { gated, free })
        {
            run.Metrics[ProductionMetrics.Gain].Should().BePositive();
            run.Stages.Single(stage => stage.Stage == "promote").Warnings!.Select(warning => warning.Text).Should().ContainSingle().Which.Should()
                .Match("The two cannot be told apart: rmse is * for the new version and * for version 1 on * common rows, and the 95 % interval of the gain "
                    + "(-* to *) holds 0.");
        }
        gated.Run.State.Should().Be(RunState.Blocked);
        gated.Run.BlockedBy.Should().ContainSingle().Which.Should()
            .Match("production: rmse * is better than * of production version 1, but not with the required probability of 0.95");
        free.Run.Promoted.Should().BeTrue("nothing else stops it");
    }

    [Fact]
    public async Task Rows_that_production_was_trained_on_are_found_where_it_was_split_by_other_columns()
    {
        var csv = "a,b,y\n" + string.Concat(Enumerable.Range(0, 600).Select(i => $"{i % 37},{i * 7 % 101},{(i % 37) + (2 * (i * 7 % 101))}\n"));
        var definition = new PipelineDefinition { Model = model, Target = "y", Train = NoFolds, Candidates = Quick };
        (await host.RunAsync(definition, host.WriteFile("rows.csv", csv))).Run.State.Should().Be(RunState.Succeeded);

        var run = await host.RunAsync(definition with { Split = new SplitRules { Key = ["a"], Validation = 0.4 } }, host.WriteFile("rows.csv", csv));

        var registry = host.Get<ModelRegistry>();
        var (first, second) = (await registry.GetAsync(model, 1, default), await registry.GetAsync(model, 2, default));
        var trained = await RowsAsync(first.Lineage.Train);
        var validated = await RowsAsync(second.Lineage.Validation);
        run.Stages.Single(stage => stage.Stage == "promote").Warnings!.Should().Contain(
            warning => warning.Text.Contains("validation rows are among those that production was trained on")
                && warning.Count == validated.Count(trained.Contains));
        validated.Count(trained.Contains).Should().BeInRange(100, validated.Count - 30);
        run.Metrics.Should().ContainKey("production_rmse");
        run.Params.Should().NotContainKey("productionTrainedOn");
    }

    [Fact]
    public async Task Where_productions_training_rows_are_gone_run_and_card_say_that_they_cannot_be_told()
    {
        string Csv(int from) => "a,b,y\n" + string.Concat(Enumerable.Range(from, 600).Select(
            i => $"{i % 37},{i * 7 % 101},{(i % 37) + (2 * (i * 7 % 101))}\n"));
        var definition = new PipelineDefinition { Model = model, Target = "y", Train = NoFolds, Candidates = Quick };
        (await host.RunAsync(definition, host.WriteFile("first.csv", Csv(0)))).Run.State.Should().Be(RunState.Succeeded);
        var gone = (await host.Get<ModelRegistry>().GetAsync(model, 1, default)).Lineage.Train;
        await host.Storage.Datasets.GetBlobClient($"{gone}/manifest.json").DeleteAsync();

        var run = await host.RunAsync(definition, host.WriteFile("second.csv", Csv(300)));

        var reason = $"its training rows (dataset version {gone}) are gone";
        var told = run.Stages.Single(stage => stage.Stage == "promote").Warnings![0];
        told.Text.Should().StartWith("It cannot be told which of the").And.Contain($"version 1 in production was trained on: {reason}");
        var validation = (await host.Get<ModelRegistry>().GetAsync(model, 2, default)).Lineage.Validation;
        (told.Headline, told.Count).Should().Be((true, (await RowsAsync(validation)).Count));
        run.Params["productionTrainedOn"].Should().Be($"cannot be told: {reason}");
        run.Metrics.Should().ContainKey("production_rmse");
        var card = await host.Get<ArtifactStore>().ReadAsync(run.Artifacts.Single(artifact => artifact.Path == "model-card.md").Blob, default);
        card.ToString().Should().Contain("**It cannot be told which of the").And.Contain("of version 1; which of the rows that was trained on cannot be told");
    }

    [Fact]
    public async Task The_run_tells_what_its_split_went_by()
    {
        string Csv(bool more) => $"b,a,{(more ? "extra," : "")}y\n" + string.Concat(Enumerable.Range(0, 600).Select(
            i => $"{i % 37},{i * 7 % 101},{(more ? $"{i % 5}," : "")}{(i % 37) + (2 * (i * 7 % 101))}\n"));
        var definition = new PipelineDefinition { Model = model, Target = "y", Train = NoFolds, Candidates = Quick };

        var first = await host.RunAsync(definition, host.WriteFile("first.csv", Csv(more: false)));
        var second = await host.RunAsync(definition, host.WriteFile("second.csv", Csv(more: true)));
        var third = await host.RunAsync(
            definition with { Split = new SplitRules { Key = ["y", "b"], Group = "a" } }, host.WriteFile("third.csv", Csv(more: true)));

        FactsOf(first).Should().Equal("row", "a, b, y", "the columns of the model");
        FactsOf(second).Should().Equal("row", "a, b, y", "the columns that production and the file share");
        FactsOf(third).Should().Equal("group a", "y, b", "declared (split.key)");

        static IEnumerable<string> FactsOf(RunDetails run) => [run.Params["split.by"], run.Params["split.key"], run.Params["split.keyFrom"]];
    }

    [Fact]
    public async Task A_second_file_that_does_not_show_the_order_of_its_dates_is_read_as_the_table_of_production()
    {
        (await TrainFileAsync(host.WriteFile("first.csv", Days(i => $"{1 + (i % 28):00}/{1 + (i % 12):00}/2026")))).Run.State.Should().Be(RunState.Succeeded);

        var run = await TrainFileAsync(host.WriteFile("second.csv", Days(i => $"{1 + (i % 12):00}/{1 + (i * 5 % 12):00}/2026")));

        (await ColumnAsync(run, "at")).Cells!.Dates.Should().Be(DateOrder.Dmy, "1/2 alone would be read with the month first");
        run.Stages[0].Stage.Should().Be("ingest");
        var told = run.Stages[0].Warnings!.Should().ContainSingle(warning => warning.Column == "at").Subject;
        told.Text.Should().Be("Column 'at': nothing in the file shows whether the day or the month comes first (line 2: '01/01/2026'); it is read with the day "
            + "first, as in the table of version 1. Declare \"format\" to say which.");
        (told.Line, told.Example, told.Headline).Should().Be((2, "01/01/2026", false));

        var again = await TrainFileAsync(host.WriteFile("second.csv", Days(i => $"{1 + (i % 12):00}/{1 + (i * 5 % 12):00}/2026")));

        again.Stages[0].State.Should().Be(StageState.Reused);
        again.Stages[0].Warnings.Should().Contain(told);
    }

    [Fact]
    public async Task A_second_file_whose_dates_show_another_order_says_so_first()
    {
        var first = await TrainFileAsync(host.WriteFile("first.csv", Days(i => $"{1 + (i % 12):00}/{1 + (i * 5 % 12):00}/2026")));
        first.Run.State.Should().Be(RunState.Succeeded);

        var run = await TrainFileAsync(host.WriteFile("second.csv", Days(i => $"{1 + (i % 28):00}/{1 + (i % 12):00}/2026")));

        (await ColumnAsync(run, "at")).Cells!.Dates.Should().Be(DateOrder.Dmy);
        run.Stages[0].Warnings!.Should().Contain(new Warning(
            WarningCodes.FormatDiffers,
            "Column 'at' is read with the day first (line 14: '13/01/2026'), and in the table of version 1 it was read with the month first, although nothing "
            + "showed it. Look whether both are right, and declare \"format\" where one is not.")
        {
            Column = "at",
            Line = 14,
            Example = "13/01/2026",
            Headline = true,
        });
    }

    [Theory]
    [InlineData("yes", "no", "true", "false", false)]
    [InlineData("yes", "no", "Y", "N", false)]
    [InlineData("yes", "no", "1", "0", false)]
    [InlineData("yes", "no", "true", "false", true)]
    [InlineData("yes", "no", "Y", "N", true)]
    [InlineData("true", "false", "Y", "N", true)]
    public async Task Rows_that_production_was_trained_on_are_found_where_the_target_is_spelt_otherwise(
        string positive, string negative, string positiveNow, string negativeNow, bool byOtherColumns)
    {
        string Csv(string yes, string no) => "a,b,y\n" + string.Concat(Enumerable.Range(0, 600).Select(
            i => $"{i % 37},{i * 7 % 101},{((i % 37) + (2 * (i * 7 % 101)) > 115 ? yes : no)}\n"));
        var definition = new PipelineDefinition { Model = model, Target = "y", Train = NoFolds, Candidates = [Quick[0]] };
        var before = await host.RunAsync(definition, host.WriteFile("first.csv", Csv(positive, negative)));
        before.Run.State.Should().Be(RunState.Succeeded, before.Run.Error);

        var split = new SplitRules { Validation = 0.4, Key = byOtherColumns ? ["a"] : [] };
        var run = await host.RunAsync(definition with { Split = split }, host.WriteFile("second.csv", Csv(positiveNow, negativeNow)));

        var registry = host.Get<ModelRegistry>();
        var trained = await RowsAsync((await registry.GetAsync(model, 1, default)).Lineage.Train, "a, b");
        var validated = await RowsAsync((await registry.GetAsync(model, 2, default)).Lineage.Validation, "a, b");
        var both = validated.Count(trained.Contains);
        both.Should().BeInRange(100, validated.Count - 30);
        run.Stages.Single(stage => stage.Stage == "promote").Warnings!.Should().Contain(
            warning => warning.Text.Contains("validation rows are among those that production was trained on") && warning.Count == both);
        run.Metrics.Should().ContainKey("production_auc");
    }

    [Fact]
    public async Task Production_that_predicts_another_column_or_task_is_not_compared()
    {
        var path = host.WriteFile("rows.csv", "a,b,y,z\n" + string.Concat(Enumerable.Range(0, 600).Select(
            i => $"{i % 37},{i * 7 % 101},{(i % 37) + (2 * (i * 7 % 101))},{(i % 37 > 18 ? 1 : 0)}\n")));
        var definition = new PipelineDefinition { Model = model, Target = "z", Task = TaskKind.Regression, Train = NoFolds, Candidates = [Quick[0]] };
        (await host.RunAsync(definition, path)).Run.State.Should().Be(RunState.Succeeded);

        var column = await host.RunAsync(definition with { Target = "y" }, path);
        var task = await host.RunAsync(definition with { Task = TaskKind.Binary }, path);

        foreach (var (run, told) in new[]
        {
            (column, "Version 1 predicts 'z' (regression), the new one 'y' (regression)."),
            (task, "Version 1 predicts 'z' (regression), the new one 'z' (binary)."),
        })
        {
            run.Run.State.Should().Be(RunState.Blocked, run.Run.Error);
            run.Run.BlockedBy.Should().ContainSingle().Which.Should().StartWith("production: version 1 cannot be scored on this data").And.Contain(told);
            run.Metrics.Keys.Should().NotContain(key => key.StartsWith(ProductionMetrics.Prefix));
        }
    }

    [Fact]
    public async Task Production_that_calls_another_value_positive_is_not_compared()
    {
        var path = host.WriteFile("rows.csv", "a,b,y\n" + string.Concat(Enumerable.Range(0, 600).Select(
            i => $"{i % 37},{i * 7 % 101},{((i % 37) + (2 * (i * 7 % 101)) > 115 ? "yes" : "no")}\n")));
        var definition = new PipelineDefinition { Model = model, Target = "y", Train = NoFolds, Candidates = [Quick[0]] };
        (await host.RunAsync(definition, path)).Run.State.Should().Be(RunState.Succeeded);

        var run = await host.RunAsync(definition with { Positive = "no" }, path);

        run.Run.State.Should().Be(RunState.Blocked, run.Run.Error);
        run.Run.BlockedBy.Should().ContainSingle().Which.Should()
            .Contain("Version 1 tells 'yes' from 'no', the new one 'no' from 'yes': spell the target as before, or set 'positive'.");
        run.Metrics.Should().NotContainKey("production_auc");
    }

    /// <summary>Infinite, and infinite less infinite.</summary>
    [Theory]
    [InlineData("1E+09", "0", "Infinity")]
    [InlineData("3E+38", "3E+38", "NaN")]
    public async Task A_score_of_production_that_is_no_number_blocks_with_the_row_named(string farX, string farZ, string score)
    {
        await using var other = new PipelineHost(azurite, services => services.AddMlOps(add => add.AddTrainer(new ExponentialTrainer())));
        // The latest row of the second file, which validates, is far out: an exponent of it is beyond any number.
        string Csv(int from, bool far) => "day,x,z,y\n" + string.Concat(Enumerable.Range(from, 300).Select(i =>
        {
            var (x, z) = ((i % 17 / 8.0) + (i / 10_000.0), i % 13 / 8.0);
            var cells = far && i == from + 299 ? $"{farX},{farZ}" : string.Create(CultureInfo.InvariantCulture, $"{x},{z}");
            return string.Create(CultureInfo.InvariantCulture, $"{new DateTime(2026, 1, 1).AddDays(i):yyyy-MM-dd},{cells},{Math.Exp(2 * (x - z)):0.000}\n");
        }));
        var definition = new PipelineDefinition
        {
            Model = model,
            Target = "y",
            Train = NoFolds,
            Split = new SplitRules { Time = "day" },
            Candidates = [new CandidateSpec { Trainer = "exponential" }],
        };
        var before = await other.RunAsync(definition, other.WriteFile("near.csv", Csv(0, far: false)));
        before.Run.State.Should().Be(RunState.Succeeded, before.Run.Error);

        var run = await other.RunAsync(definition with { Candidates = [Quick[0]] }, other.WriteFile("far.csv", Csv(300, far: true)));

        run.Run.State.Should().Be(RunState.Blocked, run.Run.Error);
        var rows = run.Stages.Single(stage => stage.Stage == "validate").Rows;
        run.Run.BlockedBy.Should().ContainSingle().Which.Should().StartWith("production: version 1 cannot be scored on this data").And
            .Contain($"The model's prediction of row {rows} of {rows} is {score}, so nothing can be measured (x = {farX}, z = {farZ}");
        run.Metrics.Should().NotContainKey("production_rmse");
        (await other.Get<ModelRegistry>().FindAsync(model, default))!.Production.Should().Be(1);
    }

    [Fact]
    public async Task A_column_that_is_read_otherwise_than_production_reads_it_is_told_first()
    {
        var path = host.WriteFile("rows.csv", "a,b,cat,y\n" + string.Concat(Enumerable.Range(0, 600).Select(
            i => $"{i % 37},{i * 7 % 101},{(i % 3 == 0 ? "NA" : i % 3 == 1 ? "DE" : "FR")},{(i % 37) + (2 * (i * 7 % 101)) + (i % 3 * 20)}\n")));
        var rule = new ColumnRule { Required = false };
        // Version 1 stays in production, however good the others are.
        var definition = new PipelineDefinition
        {
            Model = model,
            Target = "y",
            Train = NoFolds,
            Candidates = [Quick[0]],
            Columns = Cat(rule),
            Gates = new GateRules { BetterBy = 1e6 },
        };
        (await host.RunAsync(definition, path)).Run.State.Should().Be(RunState.Succeeded);

        var asBefore = await host.RunAsync(definition with { Split = new SplitRules { Validation = 0.4 } }, path);
        var run = await host.RunAsync(
            definition with { Split = new SplitRules { Validation = 0.4 }, Columns = Cat(rule with { Nulls = ["NA"] }) }, path);

        asBefore.Metrics.Should().ContainKey("production_rmse");
        asBefore.Stages.Single(stage => stage.Stage == "promote").Warnings!.Should().NotContain(warning => warning.Column == "cat");
        var warnings = run.Stages.Single(stage => stage.Stage == "promote").Warnings!;
        var told = warnings.Should().ContainSingle(warning => warning.Column == "cat").Subject;
        told.Headline.Should().BeTrue();
        told.Text.Should().Be("Column 'cat' is read otherwise than production reads it: no value in the new data, but one to version 1, is 'NA', a value in "
            + "the new data, but none to version 1, is '#N/A', '#N/A N/A', '#NA' or one of 13 more; the comparison is by the new reading.");
        run.Metrics.Should().ContainKey("production_rmse");

        // A row whose 'NA' is no value now is the row that production learnt from all the same.
        var registry = host.Get<ModelRegistry>();
        var trained = await RowsAsync((await registry.GetAsync(model, 1, default)).Lineage.Train, "a, b");
        var validated = await RowsAsync((await registry.GetAsync(model, 3, default)).Lineage.Validation, "a, b");
        warnings.Should().Contain(
            warning => warning.Text.Contains("validation rows are among those that production was trained on")
                && warning.Count == validated.Count(trained.Contains));

        static Dictionary<string, ColumnRule> Cat(ColumnRule rule) => new() { ["cat"] = rule };
    }

    private static string Days(Func<int, string> at) =>
        "at,x,y\n" + string.Concat(Enumerable.Range(0, 400).Select(i => $"{at(i)},{i % 37},{(i % 37) + (i % 5)}\n"));

    private async Task<DatasetColumn> ColumnAsync(RunDetails run, string column)
    {
        var version = await host.Get<ModelRegistry>().GetAsync(model, run.Run.Version!.Value, default);
        return (await host.Get<DatasetStore>().GetAsync(version.Lineage.Raw, default)).Columns.Single(one => one.Name == column);
    }

    private async Task<IReadOnlyList<string>> RowsAsync(string version, string columns = "a, b, y")
    {
        var datasets = host.Get<DatasetStore>();
        var table = await datasets.OpenAsync(await datasets.GetAsync(version, default), default);
        using var session = host.Get<DuckDb>().Open(default);
        return [.. session.Rows($"SELECT {columns} FROM {table.ToSql()}").Select(row => string.Join('|', row))];
    }

    private Task<RunDetails> TrainAsync(string file) => TrainFileAsync(CaseFiles.Path(file));

    private async Task<RunDetails> TrainFileAsync(string path)
    {
        var definition = await host.Get<DefinitionInference>().InferAsync(
            new PipelineDefinition { Model = model, Target = "y" }, path, CancellationToken.None);
        return await host.RunAsync(definition with { Train = NoFolds, Candidates = Quick }, path);
    }
}

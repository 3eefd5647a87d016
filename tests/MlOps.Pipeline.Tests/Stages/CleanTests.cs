using System.Globalization;
using System.Text;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class CleanTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private static readonly PipelineDefinition Definition = new() { Model = "clean", Target = "y" };

    private readonly StageBench bench = new(azurite);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => bench.DisposeAsync().AsTask();

    [Fact]
    public async Task Cleaning_removes_nulls()
    {
        var clean = await bench.CleanAsync(Definition, Table("1,,1", "2,b,2", ",c,3", "4,d,", "5,e,5"));

        clean.Dropped.Should().BeEquivalentTo(new Dictionary<string, long> { ["null: a"] = 1, ["null: b"] = 1, ["null: y"] = 1 });
        (await bench.RowsAsync(clean.Clean, "a", "b", "y")).Should().OnlyContain(row => row.All(cell => cell != null));
    }

    [Fact]
    public async Task Cleaning_preserves_good_data()
    {
        var clean = await bench.CleanAsync(Definition, Table("1,,1", "2,b,2"));

        clean.Clean.Rows.Should().Be(21);
        var rows = await bench.RowsAsync(clean.Clean, "a", "b", "y");
        rows[0].Should().Equal(2.0, "b", 2.0);
        rows.Skip(1).Select((row, i) => row.SequenceEqual(new object?[] { 100.0 + i, "g", i * 0.5 })).Should().AllBeEquivalentTo(true);
    }

    [Fact]
    public async Task Exact_duplicates_are_removed_and_near_duplicates_stay()
    {
        var definition = Definition with { Cleaning = new CleaningRules(Duplicates: Duplicates.Drop) };

        var clean = await bench.CleanAsync(definition, Table("1,a,1", "1,a,1", "1.0,a,1", "1,a,1.5", "1,A,1"));

        clean.Dropped.Should().BeEquivalentTo(new Dictionary<string, long> { ["duplicate"] = 2 });
        (await bench.RowsAsync(clean.Clean, "a", "b", "y")).Take(3).Should()
            .BeEquivalentTo(new object?[][] { [1.0, "a", 1.0], [1.0, "a", 1.5], [1.0, "A", 1.0] }, options => options.WithStrictOrdering());
    }

    [Fact]
    public async Task Rows_that_break_declared_rules_are_removed_by_reason()
    {
        var definition = Definition with
        {
            Columns = new Dictionary<string, ColumnRule> { ["a"] = new() { Min = 0, Max = 1000 }, ["b"] = new() { Allowed = ["g", "ok"] } },
        };

        var clean = await bench.CleanAsync(definition, Table("-1,ok,1", "1001,ok,1", "5,bad,1", "0,ok,1", "1000,ok,2"));

        clean.Dropped.Should().BeEquivalentTo(new Dictionary<string, long> { ["below min: a"] = 1, ["above max: a"] = 1, ["not allowed: b"] = 1 });
        clean.Clean.Rows.Should().Be(22);
    }

    [Fact]
    public async Task The_first_rows_of_each_reason_are_kept_as_examples_in_the_files_order()
    {
        var definition = Definition with { Cleaning = new CleaningRules(Duplicates: Duplicates.Drop) };
        var lines = Enumerable.Range(0, 9).Select(i => $",n{i},{i}").Concat(["1,a", "7,z,7", "7,z,7", $"8,{new string('x', 101)},"]);

        var clean = await bench.CleanAsync(definition, Table([.. lines]));

        var manifest = await bench.Host.Get<DatasetStore>().GetAsync(clean.Clean.Id, default);
        var examples = await DroppedRows.ReadAsync(bench.Host.Storage, manifest, default);
        examples.Select(example => example.Reason).Should().Equal("null: a", "duplicate", "null: y", DroppedRows.Ragged);
        examples[0].Columns.Should().Equal("a", "b", "y");
        examples[0].Rows.Select(row => string.Join('|', row.Select(cell => cell ?? "none"))).Should()
            .Equal("none|n0|0.0", "none|n1|1.0", "none|n2|2.0", "none|n3|3.0", "none|n4|4.0");
        examples[1].Rows.Should().ContainSingle().Which.Should().Equal("7.0", "z", "7.0");
        examples[2].Rows.Should().ContainSingle().Which.Should().Equal("8.0", new string('x', 99) + "…", null);
        (examples[3].Columns.Count, examples[3].Rows.Count).Should().Be((0, 1));
        examples[3].Rows[0].Should().Equal("1", "a");
        manifest.Notes.ToJsonString().Should().NotContain("n0", "they are beside the version, not in it");
    }

    [Fact]
    public async Task Why_rows_were_left_out_is_told_with_the_first_line_and_cell()
    {
        var definition = Definition with
        {
            Columns = new Dictionary<string, ColumnRule> { ["a"] = new() { Min = 0, Max = 1000 }, ["b"] = new() { Allowed = ["g", "ok"] } },
        };

        // A blank line and a cell of two lines stand between: the row and its line are not the same number.
        await bench.CleanAsync(definition, Table("-1,ok,1", "1001,ok,1", "", "5,\"o\nk\",1", "-2,ok,3", "6,bad,1", ",g,4", "seven,g,4", "eight,g,4"));

        bench.Told.Where(warning => warning.Text.Contains("left out:", StringComparison.Ordinal)).Select(
            warning => (warning.Text, warning.Column, warning.Count, warning.Line, warning.Example, warning.Headline)).Should().Equal(
            ("1 of 28 rows was left out: above max: a (the first is line 3: '1001.0').", "a", 1, 3, "1001.0", true),
            ("2 of 28 rows were left out: below min: a (the first is line 2: '-1.0').", "a", 2, 2, "-1.0", true),
            ("2 of 28 rows were left out: not allowed: b (the first is line 5: 'o\nk').", "b", 2, 5, "o\nk", true),
            ("1 of 28 rows was left out: null: a (the first is line 9).", "a", 1, 9, null, true),
            ("2 of 28 rows were left out: unparseable: a (the first is line 10: 'seven').", "a", 2, 10, "seven", true));
    }

    [Fact]
    public async Task A_rare_reason_is_told_too_and_is_no_headline()
    {
        var rows = Enumerable.Range(0, 300).Select(i => string.Create(CultureInfo.InvariantCulture, $"{i},g,{i * 0.25}")).Append(",g,7");

        await bench.CleanAsync(Definition, Table([.. rows]));

        var told = bench.Told.Should().ContainSingle(warning => warning.Text.Contains("left out", StringComparison.Ordinal)).Subject;
        told.Should().Be(
            new Warning(WarningCodes.RowsLeftOut, "1 of 321 rows was left out: null: a (the first is line 302).") { Column = "a", Count = 1, Line = 302 });
    }

    [Fact]
    public async Task Of_very_many_rare_reasons_those_behind_the_first_twenty_are_one_sum_with_its_first_line()
    {
        // Of 60 columns each has one gap, so that no reason is above 1 %; the gap on the first line is of a reason beyond those that have examples.
        var names = Enumerable.Range(0, 60).Select(i => $"c{i:00}").ToList();
        string Cell(int row, int column) => row == 59 - column || row == 1000 + (column % 40) ? "" : $"{(row * 7) + column}";
        var csv = string.Join(',', names) + ",y\n" + string.Concat(
            Enumerable.Range(0, 6100).Select(row => string.Join(',', Enumerable.Range(0, 60).Select(column => Cell(row, column))) + $",{row % 97}\n"));

        var clean = await bench.CleanAsync(Definition, csv);

        var told = bench.Told.Where(warning => warning.Code is WarningCodes.RowsLeftOut or WarningCodes.RowsLeftOutRest).ToList();
        told.Should().HaveCount(21);
        told.Sum(warning => warning.Count).Should().Be(clean.Dropped.Values.Sum(), "they add up to all rows that were left out").And.Be(100);
        told.Should().OnlyContain(warning => warning.Line != null);
        told[^1].Should().Match<Warning>(warning => warning.Code == WarningCodes.RowsLeftOutRest && warning.Line == 2);
        told[^1].Text.Should().Contain("rows were left out for 40 more reasons, each of at most ").And.Contain("(the first is line 2)");
    }

    [Fact]
    public async Task A_skipped_feature_is_told_with_the_rows_that_go_without_it()
    {
        var definition = Definition with { Features = new FeatureRules { Ratios = [["a", "gone"]] } };

        await bench.FeaturesAsync(definition, Table("1,a,1", ",a,1"));

        bench.Told.Where(warning => warning.Code == WarningCodes.FeatureSkipped).Should().HaveCount(2).And
            .OnlyContain(warning => warning.Count == 22 && warning.Column == "a_per_gone");
    }

    [Fact]
    public async Task Cells_of_columns_that_are_not_used_are_told_from_the_first_row_that_has_one()
    {
        var definition = Definition with { Columns = new Dictionary<string, ColumnRule> { ["b"] = new() { Ignore = true } } };

        await bench.FeaturesAsync(definition, Table("1,,1", "2,,2", "3,third,3"));

        bench.Told.Where(warning => warning.Code == WarningCodes.NotUsed).Select(warning => (warning.Count, warning.Line, warning.Example)).Should()
            .Equal((21, 4, "third"), (21, 4, "third"));
    }

    [Fact]
    public async Task Equal_rows_that_are_kept_are_told_with_the_line_of_the_first()
    {
        await bench.CleanAsync(Definition with { Cleaning = new CleaningRules(Duplicates: Duplicates.Keep) }, Table("1,a,1", "2,b,2", "2,b,2", "1,a,1"));

        bench.Told.Should().ContainSingle(warning => warning.Text.StartsWith("2 of 24 rows equal an earlier one and were kept (the first is line 4)"))
            .Which.Line.Should().Be(4);
    }

    [Fact]
    public async Task Columns_that_are_not_used_are_told_by_name()
    {
        var definition = Definition with { Columns = new Dictionary<string, ColumnRule> { ["b"] = new() { Ignore = true } } };

        await bench.CleanAsync(definition, Table("1,a,1"));

        bench.Told.Should().Contain(new Warning(WarningCodes.NotUsed, "Column 'b' is not used: the definition ignores it.")
        {
            Column = "b",
            Count = 21,
            Line = 2,
            Example = "a",
        });
    }

    [Fact]
    public async Task Of_a_wide_table_an_example_has_some_columns_and_the_one_that_is_the_reason()
    {
        var names = Enumerable.Range(0, 60).Select(i => $"c{i}").ToList();
        string Line(int row, string last) => string.Join(',', names.Select((_, i) => i == 59 ? last : $"{row + i}")) + $",{row}";
        var csv = string.Join(',', names) + ",y\n" + string.Join('\n', Enumerable.Range(0, 20).Select(row => Line(row, row == 3 ? "" : $"{row}"))) + "\n";

        var clean = await bench.CleanAsync(Definition, csv);

        var manifest = await bench.Host.Get<DatasetStore>().GetAsync(clean.Clean.Id, default);
        var example = (await DroppedRows.ReadAsync(bench.Host.Storage, manifest, default)).Should().ContainSingle().Subject;
        example.Columns.Should().Equal([.. names.Take(49), "c59"]);
        example.Rows.Should().ContainSingle().Which.Should().Equal([.. Enumerable.Range(3, 49).Select(value => $"{value}.0"), null]);
    }

    /// <summary>Wherever a name is shortened, those that differ at their ends alone stay apart.</summary>
    [Fact]
    public async Task Long_names_that_start_alike_are_cleaned_each_by_its_own_reason()
    {
        var names = Enumerable.Range(0, 45).Select(i => $"{new string('n', 400)}{i:00}").ToList();
        var definition = Definition with
        {
            Columns = names.ToDictionary(name => name, name => new ColumnRule { Max = 100 }),
            Cleaning = new CleaningRules(MaxDropped: 1),
        };
        string Line(int row, int column, string cell) => string.Join(',', names.Select((_, i) => i == column ? cell : $"{(row + (i * 7)) % 50}")) + $",{row}";
        var lines = Enumerable.Range(0, 60).Select(row => Line(row, -1, ""))
            .Concat(names.Select((_, i) => Line(100 + i, i, ""))).Concat(names.Select((_, i) => Line(200 + i, i, "101")));

        var clean = await bench.CleanAsync(definition, string.Join(',', names) + ",y\n" + string.Join('\n', lines) + "\n");

        clean.Dropped.Should().BeEquivalentTo(
            names.SelectMany(name => new[] { $"null: {name}", $"above max: {name}" }).ToDictionary(reason => reason, _ => 1L));
        (await bench.RowsAsync(clean.Clean, [.. names])).Should().HaveCount(60).And.OnlyContain(row => row.All(cell => cell != null));
        var manifest = await bench.Host.Get<DatasetStore>().GetAsync(clean.Clean.Id, default);
        (await DroppedRows.ReadAsync(bench.Host.Storage, manifest, default)).Select(example => example.Reason).Should()
            .HaveCount(51, "of the 50 most frequent, and of the first of the others").And.OnlyHaveUniqueItems().And.BeSubsetOf(clean.Dropped.Keys);
    }

    [Fact]
    public async Task Declared_columns_that_the_file_does_not_have_are_all_named_with_the_nearest()
    {
        var definition = Definition with
        {
            Columns = new Dictionary<string, ColumnRule>
            {
                ["aa"] = new() { Kind = ColumnKind.Numeric },
                ["distance_km"] = new() { Required = false },
                ["gone"] = new() { Ignore = true },
            },
        };

        var clean = () => bench.CleanAsync(definition, Table("1,g,1"));

        (await clean.Should().ThrowAsync<InputException>()).Which.Problems.Should().Equal(
            "Column 'aa' is declared but not in the data (nearest: 'a'). Correct the name, give a file that has the column, or take it out of \"columns\" "
                + "(declare it \"ignore\" where it may be missing).",
            "Column 'distance_km' is declared but not in the data (its columns are a, b, y). Correct the name, give a file that has the column, or take it "
                + "out of \"columns\" (declare it \"ignore\" where it may be missing).");
    }

    [Fact]
    public async Task Unparseable_and_infinite_cells_cost_their_rows()
    {
        var clean = await bench.CleanAsync(Definition, Table("twelve,g,1", "Infinity,g,1", "NaN,g,1", "7,g,1"));

        clean.Dropped.Should().BeEquivalentTo(new Dictionary<string, long> { ["unparseable: a"] = 1, ["not finite: a"] = 1, ["null: a"] = 1 });
    }

    [Fact]
    public async Task A_column_that_is_ignored_or_optional_costs_no_rows()
    {
        var csv = Table("1,,1", "2,b,2");
        var ignored = Definition with { Columns = new Dictionary<string, ColumnRule> { ["b"] = new() { Ignore = true } } };
        var optional = Definition with { Columns = new Dictionary<string, ColumnRule> { ["b"] = new() { Required = false } } };

        (await bench.CleanAsync(ignored, csv)).Clean.Rows.Should().Be(22);
        (await bench.CleanAsync(optional, csv)).Clean.Rows.Should().Be(22);
    }

    [Fact]
    public async Task Dropping_more_than_the_declared_share_stops_and_says_why()
    {
        var rows = Enumerable.Range(0, 30).Select(i => string.Create(CultureInfo.InvariantCulture, $",b,{i}")).ToArray();

        var act = () => bench.CleanAsync(Definition, Table(rows));

        (await act.Should().ThrowAsync<InputException>()).WithMessage("*drop 30 of 50 rows*30 null: a (the first is line 2). Fill nulls with*impute*");
        var allowed = Definition with { Cleaning = new CleaningRules(MaxDropped: 0.7) };
        (await bench.CleanAsync(allowed, Table(rows))).Clean.Rows.Should().Be(20);
    }

    [Fact]
    public async Task Nulls_are_filled_with_values_fitted_on_training_rows_only()
    {
        var random = new Random(3);
        var csv = new StringBuilder("a,b,c,d,y\n");
        for (var i = 0; i < 2000; i++)
        {
            var a = i % 10 == 0 ? "" : (random.NextDouble() * 100).ToString("F3", CultureInfo.InvariantCulture);
            var b = i % 7 == 0 ? "" : (random.NextDouble() * 100).ToString("F3", CultureInfo.InvariantCulture);
            csv.Append(CultureInfo.InvariantCulture, $"{a},{b},{(i % 5 == 0 ? "" : i % 3 == 0 ? "red" : "blue")},{(i % 4 == 0 ? "" : "7")},{i}\n");
        }
        var definition = Definition with
        {
            Columns = new Dictionary<string, ColumnRule>
            {
                ["a"] = new() { Impute = new ImputeRule(ImputeStrategy.Median) },
                ["b"] = new() { Impute = new ImputeRule(ImputeStrategy.Mean) },
                ["c"] = new() { Impute = new ImputeRule(ImputeStrategy.MostFrequent) },
                ["d"] = new() { Impute = new ImputeRule(ImputeStrategy.Constant, "-1") },
            },
        };

        var split = await bench.SplitAsync(definition, csv.ToString());

        var filled = (await bench.ManifestAsync(split.Train)).Notes[DatasetNotes.Imputed]!;
        var raw = await bench.IngestTextAsync(Definition, csv.ToString());
        var train = (await bench.RowsAsync(split.Train, "y")).Select(row => (double)row[0]!).ToHashSet();
        var trained = (await bench.RowsAsync(raw.Raw, "a", "b", "y")).Where(row => train.Contains((double)row[2]!)).ToList();
        var a0 = trained.Select(row => row[0]).OfType<double>().Order().ToList();
        double.Parse(filled["a"]!.GetValue<string>(), CultureInfo.InvariantCulture).Should()
            .BeApproximately((a0[(a0.Count - 1) / 2] + a0[a0.Count / 2]) / 2, 1e-9);
        double.Parse(filled["b"]!.GetValue<string>(), CultureInfo.InvariantCulture).Should()
            .BeApproximately(trained.Select(row => row[1]).OfType<double>().Average(), 1e-9);
        filled["c"]!.GetValue<string>().Should().Be("blue");
        filled["d"]!.GetValue<string>().Should().Be("-1");
        (await bench.RowsAsync(split.Validation, "a", "b", "c", "d")).Should().OnlyContain(row => row.All(cell => cell != null));
        split.Train.Rows.Should().Be(train.Count).And.BeLessThan(2000);
    }

    [Fact]
    public async Task A_target_that_is_missing_is_named()
    {
        var act = () => bench.CleanAsync(Definition with { Target = "x" }, Table("1,p,1", "2,q,2"));

        (await act.Should().ThrowAsync<InputException>()).WithMessage("There is no column 'x' (target) in the data. The columns are: a, *");
    }

    [Fact]
    public async Task A_target_without_values_or_with_a_single_one_is_refused()
    {
        var empty = string.Concat("a,y\n", string.Concat(Enumerable.Range(0, 20).Select(i => $"{i},\n")));
        var constant = string.Concat("a,y\n", string.Concat(Enumerable.Range(0, 20).Select(i => $"{i},3\n")));

        (await bench.Awaiting(b => b.CleanAsync(Definition, empty)).Should().ThrowAsync<InputException>()).WithMessage("*20 of 20 rows*null: y*");
        (await bench.Awaiting(b => b.CleanAsync(Definition, constant)).Should().ThrowAsync<InputException>())
            .WithMessage("*'y' has the same value ('3')*nothing to learn*");
    }

    [Fact]
    public async Task One_row_is_too_few()
    {
        var act = () => bench.CleanAsync(Definition, "a,y\n1,2\n");

        (await act.Should().ThrowAsync<InputException>()).WithMessage("*Only 1 of 1 rows*at least 10*");
    }

    [Fact]
    public async Task A_binary_task_needs_two_values()
    {
        var definition = Definition with { Target = "b", Task = TaskKind.Binary };

        var act = () => bench.CleanAsync(definition, Table("1,p,1", "2,q,2"));

        (await act.Should().ThrowAsync<InputException>()).WithMessage("*'b' has more than two values*exactly two*");
    }

    [Theory]
    [InlineData("'NO' and 'no', 'Yes' and 'yes'", 4, "Yes", "yes", "NO", "no")]
    [InlineData("'Yes' and 'yes'", 2, "Yes", "yes")]
    [InlineData(null, 0, "yes", "no")]
    public async Task Classes_that_differ_in_letter_case_only_are_a_headline(string? named, int count, params string[] values)
    {
        var csv = "a,b,y\n" + string.Concat(Enumerable.Range(0, 80).Select(i => $"{i % 17},{values[i % values.Length]},{i % 9}\n"));

        await bench.CleanAsync(Definition with { Target = "b" }, csv);

        var told = bench.Told.Where(warning => warning.Code == WarningCodes.ClassesAlike).ToList();
        told.Select(warning => (warning.Column, warning.Count, warning.Headline)).Should().Equal(named is null ? [] : [("b", count, true)]);
        told.Select(warning => warning.Text.Split(". ")[0]).Should()
            .Equal(named is null ? [] : [$"The target 'b' has classes that differ in letter case only: {named}"]);
    }

    [Fact]
    public async Task A_target_of_more_texts_than_are_learnt_as_classes_is_refused_with_what_to_do()
    {
        var definition = Definition with { Target = "b", MaxClasses = 5 };
        var csv = "a,b,y\n" + string.Concat(Enumerable.Range(0, 40).Select(i => $"{i},p{i % 6},{i}\n"));

        (await bench.Awaiting(b => b.CleanAsync(definition, csv)).Should().ThrowAsync<InputException>())
            .WithMessage("*'b' has more than 5 different values*'p0', 'p1', 'p2'*maxClasses*");

        var clean = await bench.CleanAsync(definition with { MaxClasses = 6 }, csv);
        TargetColumn.Of(await bench.ManifestAsync(clean.Clean)).Classes.Should().Equal("p0", "p1", "p2", "p3", "p4", "p5");
    }

    [Fact]
    public async Task A_declared_task_that_the_target_does_not_suit_is_refused_with_the_one_that_does()
    {
        var two = "a,b,y\n" + string.Concat(Enumerable.Range(0, 40).Select(i => $"{i},p{i % 2},{i}\n"));
        var three = "a,b,y\n" + string.Concat(Enumerable.Range(0, 40).Select(i => $"{i},p{i % 3},{i}\n"));
        var definition = Definition with { Target = "b" };

        (await bench.Awaiting(b => b.CleanAsync(definition with { Task = TaskKind.Multiclass }, two)).Should().ThrowAsync<InputException>())
            .WithMessage("*two values 'p0' and 'p1': use task 'binary'*");
        (await bench.Awaiting(b => b.CleanAsync(definition with { Task = TaskKind.Regression }, three)).Should().ThrowAsync<InputException>())
            .WithMessage("*not numeric*task 'multiclass'*");
        (await bench.Awaiting(b => b.CleanAsync(definition with { Positive = "p1" }, three)).Should().ThrowAsync<InputException>())
            .WithMessage("*'positive' is 'p1'*more than two values*leave 'positive' out*");
    }

    [Fact]
    public async Task The_task_follows_from_the_target_when_it_is_not_declared()
    {
        var csv = string.Concat("a,y\n", string.Concat(Enumerable.Range(0, 40).Select(i => $"{i},{i % 2}\n")));

        var clean = await bench.CleanAsync(Definition, csv);

        TargetColumn.Of(await bench.ManifestAsync(clean.Clean)).Should().Be(new TargetColumn("y", TaskKind.Binary, Positive: "1", Negative: "0"));
    }

    [Fact]
    public async Task Cleaning_the_same_table_with_the_same_rules_again_is_reused()
    {
        var csv = Table("1,p,1", "2,q,2");
        var first = await bench.CleanAsync(Definition, csv);

        var second = await bench.CleanAsync(Definition, csv);

        second.Clean.Should().Be(first.Clean);
        second.Report.Reused.Should().BeTrue();
    }

    [Theory]
    [InlineData(2_500_000)]
    [InlineData(200_000)]
    public async Task The_rows_kept_and_their_order_are_the_same_whatever_the_number_of_threads(int rowsPerPart)
    {
        // More rows than one thread reads at a time, each twice.
        var csv = Trips.Csv(600_000, seed: rowsPerPart) + Trips.Csv(600_000, seed: rowsPerPart)[(Trips.Header.Length + 1)..];
        string[] allowed = ["VTS", "CMT", "DDS", .. Enumerable.Range(0, 40).Select(i => $"V{i}")];
        var definition = Trips.Definition() with
        {
            Cleaning = new CleaningRules(MaxDropped: 0.6),
            Columns = new Dictionary<string, ColumnRule> { ["vendor"] = new() { Allowed = allowed } },
        };
        var orders = new List<IReadOnlyList<ulong>>();
        foreach (var threads in new[] { 1, 4, 4 })
        {
            await using var host = new StageBench(azurite, options => options with { Threads = threads, RowsPerPart = rowsPerPart });
            var clean = await host.CleanAsync(definition, csv);
            clean.Clean.Rows.Should().BeInRange(590_000, 600_000);
            clean.Dropped["duplicate"].Should().Be(1_200_000 - clean.Clean.Rows);
            var manifest = await host.ManifestAsync(clean.Clean);
            manifest.Parts.Should().HaveCount(Math.Max(1, (int)Math.Ceiling(1_200_000.0 / rowsPerPart)));
            orders.Add([.. (await host.RowsAsync(clean.Clean, "__row_hash")).Select(row => (ulong)row[0]!)]);

            // The next round does it all again.
            foreach (var id in manifest.Parents.Append(manifest.Id))
            {
                await host.Host.Storage.Datasets.GetBlobClient($"{id}/manifest.json").DeleteAsync();
            }
        }
        orders[1].SequenceEqual(orders[0]).Should().BeTrue("four threads keep the order of one");
        orders[2].SequenceEqual(orders[0]).Should().BeTrue("four threads keep the order of one, every time");
    }

    [Fact]
    public async Task A_row_hash_is_the_same_on_every_machine_and_release()
    {
        var good = string.Concat(Enumerable.Range(0, 20).Select(i => $"{i},g,true,2026-01-01,{i}\n"));
        var definition = Definition with
        {
            Columns = new Dictionary<string, ColumnRule> { ["b"] = new() { Required = false } },
            Split = new SplitRules { Key = ["a", "b", "c", "d", "y"] },
        };
        var clean = await bench.CleanAsync(definition, "a,b,c,d,y\n1,x,true,2026-01-02,2.5\n-3,,false,1999-12-31,0\n" + good);

        using var row = new MemoryStream();
        using var bytes = new BinaryWriter(row);
        bytes.Write((byte)1);
        bytes.Write(1.0);
        bytes.Write((byte)4);
        bytes.Write(1);
        bytes.Write((byte)'x');
        bytes.Write((byte)2);
        bytes.Write(true);
        bytes.Write((byte)3);
        bytes.Write((long)(new DateTime(2026, 1, 2) - DateTime.UnixEpoch).TotalMicroseconds);
        bytes.Write((byte)1);
        bytes.Write(2.5);
        var hashes = (await bench.RowsAsync(clean.Clean, "__row_hash")).Select(cells => (ulong)cells[0]!).ToList();
        hashes[0].Should().Be(System.IO.Hashing.XxHash3.HashToUInt64(row.ToArray()));
        hashes.Take(2).Should().Equal(14334952167506733316UL, 10418888035129194809UL);
    }

    /// <summary>The given rows, then twenty good ones.</summary>
    private static string Table(params string[] rows)
    {
        var good = Enumerable.Range(0, 20).Select(i => string.Create(CultureInfo.InvariantCulture, $"{100 + i},g,{i * 0.5}"));
        return "a,b,y\n" + string.Join('\n', rows.Concat(good)) + "\n";
    }
}

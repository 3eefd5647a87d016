using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Tests.Definitions;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Cases;

/// <summary>
/// Small files as people have them, whose target is a simple function of the other columns: read rightly, they score near 1. Each goes
/// from the file, as a new user gives it, to the trained model.
/// </summary>
[Collection(AzuriteFixture.Collection)]
public sealed class OrdinaryFileTests(AzuriteFixture azurite) : IAsyncLifetime
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
    [InlineData("01-dot-thousands.csv", "miete", 0.97)]
    [InlineData("02-dmy-sorted.csv", "cost", 0.97)]
    [InlineData("03-dmy-dots.csv", "cost", 0.97)]
    [InlineData("04-na-category.csv", "price", 0.97)]
    [InlineData("06-question-mark.csv", "mpg", 0.9)]
    [InlineData("07-timestamps.csv", "y", 0.97)]
    [InlineData("11-large-target.csv", "closes_at", 0.97)]
    [InlineData("12b-large-ints.csv", "y", 0.97)]
    [InlineData("14c-mixed-category.csv", "y", 0.97)]
    [InlineData("15-cp1252.csv", "n", 0.9)]
    [InlineData("16b-mixed-eol.csv", "y", 0.97)]
    [InlineData("16c-lf-header-crlf-body.csv", "y", 0.97)]
    [InlineData("17-trailing-rows.csv", "y", 0.9)]
    [InlineData("18-sep-line.csv", "y", 0.9)]
    [InlineData("19-apostrophes.csv", "y", 0.97)]
    [InlineData("22-percent-currency.csv", "y", 0.97)]
    [InlineData("23b-zip-and-codes.csv", "y", 0.97)]
    [InlineData("26-date-format-changes.csv", "y", 0.97)]
    [InlineData("31-types.parquet", "y", 0.97)]
    [InlineData("35-bigint.parquet", "y", 0.97)]
    [InlineData("39b-hourly.csv", "y", 0.97)]
    [InlineData("40-serve.csv", "y", 0.97)]
    [InlineData("41-zero-dates.csv", "y", 0.97)]
    [InlineData("42-us-thousands-few.csv", "sales", 0.97)]
    [InlineData("58-year-headers.csv", "y", 0.9)]
    [InlineData("62-inch-marks.csv", "price", 0.97)]
    [InlineData("62b-quote-at-start.csv", "price", 0.97)]
    [InlineData("68-own-date-parts.csv", "y", 0.97)]
    [InlineData("data[1].csv", "price", 0.9)]
    [InlineData("what?.csv", "price", 0.9)]
    public async Task A_file_is_read_as_it_is_meant(string file, string target, double least)
    {
        var details = await TrainAsync(file, target);

        details.Run.State.Should().Be(RunState.Succeeded, details.Run.Error);
        details.Metrics["val_r2"].Should().BeGreaterThan(least);
        await Skew.CheckAsync(host, details, CaseFiles.Path(file));
    }

    [Theory]
    [InlineData("05-space-after-comma.csv", "income", 0.95)]
    [InlineData("14b-bool-then-unknown.csv", "won", 0.9)]
    [InlineData("21-one-percent.csv", "fraud", 0)]
    [InlineData("30-target-spelling.csv", "churn", 0.7)]
    [InlineData("28-three-classes.csv", "grade", 0)]
    public async Task A_file_with_classes_is_read_as_it_is_meant(string file, string target, double least)
    {
        var details = await TrainAsync(file, target);

        details.Run.State.Should().Be(RunState.Succeeded, details.Run.Error);
        details.Metrics["val_auc"].Should().BeGreaterThan(least);
        await Skew.CheckAsync(host, details, CaseFiles.Path(file));
    }

    [Fact]
    public async Task The_sample_definition_predicts_as_it_was_measured()
    {
        var random = new Random(1);
        var rows = Enumerable.Range(0, 400).Select(i => FormattableString.Invariant(
            $"t{i},2026-01-{1 + (i % 28):00} {i % 24:00}:15:00,{(i % 3 == 0 ? "north" : "south")},{1 + (i % 6)},{Distance(i)},")
            + FormattableString.Invariant($"{(i % 9 == 0 ? "" : Minutes(i))},")
            + FormattableString.Invariant($"{(i % 5 == 0 ? "" : i % 2 == 0 ? "card" : "cash")},{2.5 + (1.2 * Distance(i)) + random.NextDouble():0.00}\n"));
        var path = host.WriteFile("trips.csv", "trip_id,pickup_time,vendor,passengers,distance_km,duration_min,payment,fare\n" + string.Concat(rows));
        var definition = DefinitionJson.Read(Samples.Read("trips.json")) with { Model = model };

        var details = await host.RunAsync(definition with { Train = new TrainRules { Folds = 0 } }, path);

        await Skew.CheckAsync(host, details, path);

        static double Distance(int i) => Math.Round(1 + (i * 7 % 31 * 0.37), 2);
        static string Minutes(int i) => FormattableString.Invariant($"{Distance(i) * 2.4:0.0}");
    }

    /// <summary>Each key says what nobody would guess from the file: its first line is a row, and habits elsewhere speak for other readings.</summary>
    [Fact]
    public async Task What_the_definition_says_of_cells_holds_from_the_file_to_the_prediction()
    {
        var definition = DefinitionJson.Read($$"""
            { "model": "{{model}}", "target": "column_7", "positive": "good", "header": false,
              "columns": {
                "column_1": { "kind": "numeric", "decimal": ",", "nulls": ["leer", "0"], "required": false },
                "column_2": { "format": "1,234.5", "required": false },
                "column_3": { "format": "mdy", "nulls": ["never"], "required": false },
                "column_4": { "kind": "boolean", "required": false },
                "column_5": { "kind": "categorical", "nulls": ["NA"], "required": false },
                "column_6": { "kind": "numeric", "required": false } },
              "features": { "dateParts": ["column_3"] }, "train": { "folds": 0 }, "cleaning": { "duplicates": "keep" },
              "candidates": [{ "trainer": "lightgbm", "trees": 30, "minRowsPerLeaf": 5 }] }
            """);
        string[][] first =
        [
            ["leer", "?", "never", "-", "NA", "n.a.", "good"],
            ["1.234", "1,234", "02/03/2026", "Y", "01", "007", "bad"],
            ["0", "2,500.5", "12/01/2025", "off", "1", "010", "good"],
            ["2,5", "7", "2026-01-31", "1", "1.0", "3", "bad"],
        ];
        var rows = first.Concat(Enumerable.Range(0, 300).Select(i => new[]
        {
            i % 2 == 0 ? $"{1 + (i % 9)}.{i % 10}00" : $"{i % 7},25", $"{1 + (i % 5)},00{i % 9}", $"{1 + (i % 12):00}/{1 + (i % 11):00}/2025",
            i % 3 == 0 ? "on" : "N", i % 4 == 0 ? "01" : "1", $"00{i % 6}", (i % 9) + (i % 3) > 5 ? "good" : "bad",
        }));
        var path = host.WriteFile("said.tsv", string.Concat(rows.Select(row => string.Join('\t', row) + "\n")));

        var details = await host.RunAsync(definition, path);

        details.Run.State.Should().Be(RunState.Succeeded, details.Run.Error);
        details.Metrics["val_auc"].Should().BeGreaterThan(0.95);
        await using var bench = new StageBench(azurite);
        var raw = await bench.RowsAsync((await bench.IngestAsync(definition, path)).Raw, [.. Enumerable.Range(1, 7).Select(i => $"column_{i}")]);
        raw.Should().HaveCount(304);
        raw[0].Should().Equal([null, null, null, null, null, null, "good"]);
        raw[1].Should().Equal([1234.0, 1234.0, new DateTime(2026, 2, 3), true, "01", 7.0, "bad"]);
        raw[2].Should().Equal([null, 2500.5, new DateTime(2025, 12, 1), false, "1", 10.0, "good"]);
        raw[3].Should().Equal([2.5, 7.0, new DateTime(2026, 1, 31), true, "1.0", 3.0, "bad"]);
        await Skew.CheckAsync(host, details, path);
    }

    /// <summary>Definitions that people wrote for these files.</summary>
    [Theory]
    [InlineData("02b.json", "02-dmy-sorted.csv", "r2", 0.97)]
    [InlineData("04b.json", "04-na-category.csv", "r2", 0.97)]
    [InlineData("06b.json", "06-question-mark.csv", "r2", 0.9)]
    [InlineData("07b.json", "07-timestamps.csv", "r2", 0.97)]
    [InlineData("07c.json", "07-timestamps.csv", "r2", 0.97)]
    [InlineData("08b.json", "08-equal-rows.csv", "auc", 0.6)]
    [InlineData("34b.json", "34-nan.parquet", "r2", 0.7)]
    public async Task A_file_is_read_as_its_definition_says(string definition, string file, string metric, double least)
    {
        var declared = DefinitionJson.Read(await File.ReadAllTextAsync(CaseFiles.Path(definition))) with
        {
            Model = model,
            Train = new TrainRules { Folds = 0 },
            Candidates = [new CandidateSpec { Trainer = TrainerNames.LightGbm }],
        };

        var details = await host.RunAsync(declared, CaseFiles.Path(file));

        details.Run.State.Should().Be(RunState.Succeeded, details.Run.Error);
        details.Metrics[$"val_{metric}"].Should().BeGreaterThan(least);
        details.Metrics.Keys.Where(name => name.StartsWith("dropped: ", StringComparison.Ordinal)).Should().BeSubsetOf(["dropped: duplicate"]);
        await Skew.CheckAsync(host, details, CaseFiles.Path(file));
    }

    [Theory]
    [InlineData("04-na-category.csv", "price", "'NA' (402 cells, from line 2)")]
    [InlineData("06-question-mark.csv", "mpg", "Column 'hp': * a text that was taken for a missing value (the first is line *'?')")]
    [InlineData("13-unnamed-index.csv", "y", "Column 'column_1' is not used: it is an id", true)]
    [InlineData("15-cp1252.csv", "n", "is not UTF-8 (line 2 has the byte 0xE9); it was read as Windows-1252")]
    [InlineData("16c-lf-header-crlf-body.csv", "y", "Column 'x' counts its rows")]
    [InlineData("22-percent-currency.csv", "y", "800 of its 800 cells are read as per cent")]
    [InlineData("31-types.parquet", "y", "Column 'nanc'*")]
    [InlineData("33-pandas.parquet", "y", "Column '__index_level_0__' is not used: it is an id", true)]
    [InlineData("39b-hourly.csv", "y", "each point in it has three digits behind")]
    [InlineData("41-zero-dates.csv", "y", "8 of 2,000 cells have a text that was taken for a missing value (the first is line 67: '0000-00-00 00:00:00')")]
    [InlineData("68-own-date-parts.csv", "y", "Feature 'date_year' is left out: a column of that name is in the data already.")]
    [InlineData("20-tiny-regression.csv", "y", "Only 1 row validates", true)]
    [InlineData("30-target-spelling.csv", "churn", "60 of 500 rows were left out: null: churn")]
    public async Task What_is_odd_is_told(string file, string target, string told, bool onlyHere = false)
    {
        var details = await TrainAsync(file, target, trees: 5);

        details.Stages.SelectMany(stage => stage.Warnings ?? []).Select(warning => warning.Text).Should().ContainMatch($"*{told}*");
        if (onlyHere)
        {
            await Skew.CheckAsync(host, details, CaseFiles.Path(file));
        }
    }

    [Fact]
    public async Task Durations_and_times_of_day_are_numbers_of_seconds()
    {
        var path = host.WriteFile("laps.csv", "started,took,cost\n" + string.Concat(Enumerable.Range(0, 400).Select(i =>
        {
            var (started, took) = (TimeSpan.FromSeconds(i * 7919 % 86_400), TimeSpan.FromSeconds(30 + (i * 104_729 % 90_000)));
            var days = took.Days > 0 ? "1 day, " : "";
            return FormattableString.Invariant(
                $"{started:hh\\:mm\\:ss},\"{days}{took.Hours}:{took:mm\\:ss}\",{(0.01 * took.TotalSeconds) + (started.Hours >= 18 ? 200 : 0):0.00}\n");
        })));

        var details = await TrainAsync(path, "cost");

        details.Run.State.Should().Be(RunState.Succeeded, details.Run.Error);
        details.Metrics["val_r2"].Should().BeGreaterThan(0.97);
        details.Stages.SelectMany(stage => stage.Warnings ?? []).Select(warning => warning.Text).Should()
            .Contain("Column 'took': 400 of its 400 cells are read as seconds (1:02:03 is 3723) (line 2: '0:00:30').");
        await Skew.CheckAsync(host, details, path);
    }

    [Fact]
    public async Task Equal_rows_of_a_table_without_an_id_are_kept_and_told()
    {
        var details = await TrainAsync("08-equal-rows.csv", "survived");

        details.Run.State.Should().Be(RunState.Succeeded, details.Run.Error);
        var clean = details.Stages.Single(stage => stage.Stage == "clean");
        clean.Rows.Should().Be(2200);
        clean.Warnings!.Select(warning => warning.Text).Should().ContainMatch("*2,169 of 2,200 rows equal an earlier one and were kept*");
        details.Metrics["val_auc"].Should().BeGreaterThan(0.6);
        await Skew.CheckAsync(host, details, CaseFiles.Path("08-equal-rows.csv"));
    }

    [Fact]
    public async Task Cells_aligned_by_blanks_are_columns()
    {
        var details = await TrainAsync("27-spaces.data", "mpg");

        details.Run.State.Should().Be(RunState.Succeeded, details.Run.Error);
        var version = await host.Get<DatasetStore>().GetAsync((await InferredAsync("27-spaces.data", "mpg")).Raw, CancellationToken.None);
        version.Columns.Select(column => column.Name).Should().Equal("mpg", "cyl", "hp", "weight", "year");
        version.Rows.Should().Be(300);
        await Skew.CheckAsync(host, details, CaseFiles.Path("27-spaces.data"));
    }

    [Fact]
    public async Task A_column_of_missing_values_only_is_left_out_and_not_a_number_is_missing()
    {
        var details = await TrainAsync("34-nan.parquet", "y");

        details.Run.State.Should().Be(RunState.Succeeded, details.Run.Error);
        details.Metrics["val_r2"].Should().BeGreaterThan(0.7);
        await Skew.CheckAsync(host, details, CaseFiles.Path("34-nan.parquet"));
    }

    [Theory]
    [InlineData("class,category,reason,validates,unit,t,note,cells,rows,count,y\n")]
    [InlineData("select,from,where,group,order,limit,case,end,null,true,y\n")]
    public async Task Columns_may_have_any_names(string header)
    {
        var rows = Enumerable.Range(0, 200)
            .Select(i => $"{(i % 3 == 0 ? "a" : "b")},{(i % 4 == 0 ? "x" : "z")},{i % 7},{i % 5},{i % 11},{i % 13},k,{i % 17},{i},{i % 2},"
                + $"{(i % 7) + (3 * (i % 11))}\n");
        var path = host.WriteFile("names.csv", header + string.Concat(rows));

        var definition = await host.Get<DefinitionInference>().InferAsync(
            new PipelineDefinition { Model = model, Target = "y" }, path, CancellationToken.None);
        var details = await host.RunAsync(definition with { Train = new TrainRules { Folds = 0 } }, path);

        details.Run.State.Should().Be(RunState.Succeeded, details.Run.Error);
    }

    /// <param name="file">The file.</param>
    /// <param name="target">Its target.</param>
    /// <param name="trees">Trees of a single candidate; null: the candidates that a new user gets, but one of the two kinds of trees.</param>
    private async Task<RunDetails> TrainAsync(string file, string target, int? trees = null)
    {
        var path = CaseFiles.Path(file);
        var definition = await host.Get<DefinitionInference>().InferAsync(
            new PipelineDefinition { Model = model, Target = target }, path, CancellationToken.None);
        // What is tried is how files are read: folds would train the same six times, and a second kind of trees learns the same again.
        return await host.RunAsync(
            definition with
            {
                Train = new TrainRules { Folds = 0 },
                Candidates = trees is { } few
                    ? [new CandidateSpec { Trainer = TrainerNames.LightGbm, Trees = few }]
                    : [.. definition.Candidates.Where(candidate => candidate.Trainer != TrainerNames.FastTree)],
            },
            path);
    }

    private async Task<(string Raw, PipelineDefinition Definition)> InferredAsync(string file, string target)
    {
        var definition = await host.Get<DefinitionInference>().InferAsync(
            new PipelineDefinition { Model = model, Target = target }, CaseFiles.Path(file), CancellationToken.None);
        await using var bench = new StageBench(azurite);
        return ((await bench.IngestAsync(definition, CaseFiles.Path(file))).Raw.Id, definition);
    }
}

/// <summary>The files of <c>tests/data/cases</c>.</summary>
internal static class CaseFiles
{
    public static string Path(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "cases", name);
}

using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Pipeline.Tracking;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

/// <summary>What is told, and written down, of how the numbers and dates of a column are written.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class NotationTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private const string Model = "bench";

    private readonly StageBench bench = new(azurite);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await bench.Host.Get<DefinitionStore>().DeleteAsync(Model, default);
        await bench.DisposeAsync();
    }

    [Theory]
    [InlineData(3, 40, 3, 5, "12,5")]
    [InlineData(40, 3, 3, 5, "12.5")]
    [InlineData(20, 20, 20, 5, "12,5")]
    public async Task Two_decimal_marks_in_one_column_are_a_headline_with_both_counts_and_the_first_of_the_rarer_one(
        int commas, int points, int count, long line, string example)
    {
        // The rarer ones stand behind three rows of the others, both without a doubt.
        var (rare, often) = commas <= points ? (commas, points) : (points, commas);
        var (rarer, other) = commas <= points ? ("12,5", "12.5") : ("12.5", "12,5");
        var cells = Enumerable.Repeat(other, 3).Concat(Enumerable.Repeat(rarer, rare)).Concat(Enumerable.Repeat(other, often - 3));

        var raw = await bench.IngestTextAsync(Definition(), "a;y\n" + string.Concat(cells.Select((cell, i) => $"{cell};{i % 7}\n")));

        var told = bench.Told.Should().ContainSingle(warning => warning.Code == WarningCodes.TwoNotations).Subject;
        (told.Column, told.Count, told.Line, told.Example, told.Headline).Should().Be(("a", count, line, example, true));
        told.Text.Should().Contain($"{points} numbers with a point (line {(commas <= points ? 2 : 5)}: '12.5') and {commas} with a comma");
        bench.Told.Should().Contain(warning => warning.Code == WarningCodes.UnreadableCells && warning.Count == count, "none is read as another number");
        (await bench.RowsAsync(raw.Raw, "a")).Count(row => row[0] is null).Should().Be(count);
    }

    [Theory]
    [InlineData("1,234.5", "12.5")]
    [InlineData("1.234", "12,5")]
    [InlineData("12", "12.5")]
    public async Task Numbers_that_one_format_reads_have_one_notation(string one, string other)
    {
        await bench.IngestTextAsync(Definition(), "a;y\n" + string.Concat(Enumerable.Range(0, 40).Select(i => $"{(i % 2 == 0 ? one : other)};{i % 7}\n")));

        bench.Told.Should().NotContain(warning => warning.Code == WarningCodes.TwoNotations);
    }

    [Theory]
    [InlineData("INTEGER", true)]
    [InlineData("INTEGER", false)]
    [InlineData("DOUBLE", true)]
    [InlineData("DOUBLE", false)]
    public async Task A_column_of_parquet_that_counts_its_rows_is_told_whether_it_is_declared_a_number_or_not(string type, bool isDeclared)
    {
        var definition = Definition() with
        {
            Columns = isDeclared ? new Dictionary<string, ColumnRule> { ["n"] = new() { Kind = ColumnKind.Numeric } } : [],
        };
        var rows = $"SELECT ((range * 37) % 101 + 5)::{type} AS n, (range % 7)::{type} AS y FROM range(101)";

        await bench.IngestAsync(definition, await ParquetAsync(rows));
        await bench.IngestAsync(definition, await ParquetAsync($"SELECT CASE WHEN n = 50 THEN 51 ELSE n END AS n, y FROM ({rows})"));

        var told = bench.Told.Should().ContainSingle(warning => warning.Code == WarningCodes.CountsRows, "in the second table one number stands twice").Subject;
        told.Text.Should().StartWith("Column 'n' counts its rows (5 to 105, each once)");
        (told.Column, told.Count, told.Line, told.Headline).Should().Be(("n", 101, null, true));
    }

    [Theory]
    [InlineData(CellPattern.Mdy, "28/01/2026", CellPattern.Dmy)]
    [InlineData(CellPattern.Point, "1.234,5", CellPattern.PointGroups)]
    [InlineData(CellPattern.PointGroups, "12.5", CellPattern.Point)]
    public async Task A_guess_that_a_file_contradicts_is_corrected_in_the_definition_and_told(CellPattern guess, string cell, CellPattern shown)
    {
        var definition = Definition(guess, isAssumed: true);
        await bench.Host.Get<DefinitionStore>().PutAsync(definition, default);
        var text = Table(cell);

        await bench.IngestTextAsync(definition, text);
        // The same once more, as after a host that died in between.
        await bench.IngestTextAsync(definition, text);

        var now = (await bench.Host.Get<DefinitionStore>().FindAsync(Model, default))!;
        now.Columns["a"].Should().BeEquivalentTo(definition.Columns["a"] with { Format = shown, Assumed = false });
        (now with { Columns = definition.Columns }).Should().BeEquivalentTo(definition, "nothing else is another");
        bench.Told.Where(warning => warning.Code == WarningCodes.GuessCorrected).Should().HaveCount(2).And.OnlyContain(
            warning => warning.Column == "a" && warning.Headline && warning.Text.Contains("The model's definition says so from now on"));
        // The second table is there already: its notes have the cell. What is written the plain way shows nothing.
        var isShown = shown != CellPattern.Point;
        var (line, example) = (isShown ? 2L : (long?)null, isShown ? cell : null);
        bench.Told.Where(warning => warning.Code == WarningCodes.GuessCorrected).Should().OnlyContain(
            warning => warning.Line == line && warning.Example == example && (example == null || warning.Text.Contains($"(line 2: '{example}')")));
        (await bench.Host.Get<AuditTrail>().ListAsync(1, null, default)).Items.Should().ContainSingle().Which.Should().Match<AuditEntry>(
            entry => entry.Action == "define" && entry.Subject == "pipelines/bench" && entry.To == DefinitionStore.IdOf(now)
                && entry.By.StartsWith("run bench-", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(CellPattern.Mdy, false, "28/01/2026")]
    [InlineData(CellPattern.Mdy, true, "02/01/2026")]
    [InlineData(CellPattern.Mdy, true, "2026-01-28")]
    [InlineData(CellPattern.PointGroups, true, "1234")]
    [InlineData(CellPattern.PointGroups, true, "1.234")]
    public async Task What_is_declared_and_what_is_not_contradicted_stays(CellPattern format, bool isAssumed, string cell)
    {
        var definition = Definition(format, isAssumed);
        await bench.Host.Get<DefinitionStore>().PutAsync(definition, default);

        await bench.IngestTextAsync(definition, Table(cell));

        DefinitionStore.IdOf((await bench.Host.Get<DefinitionStore>().FindAsync(Model, default))!).Should().Be(DefinitionStore.IdOf(definition));
        bench.Told.Should().NotContain(warning => warning.Code == WarningCodes.GuessCorrected);
    }

    [Fact]
    public async Task A_definition_that_somebody_has_changed_since_stays_as_it_is()
    {
        var used = Definition(CellPattern.Mdy, isAssumed: true);
        var declared = Definition(CellPattern.Mdy, isAssumed: false);
        await bench.Host.Get<DefinitionStore>().PutAsync(declared, default);

        await bench.IngestTextAsync(used, Table("28/01/2026"));

        DefinitionStore.IdOf((await bench.Host.Get<DefinitionStore>().FindAsync(Model, default))!).Should().Be(DefinitionStore.IdOf(declared));
        bench.Told.Should().ContainSingle(warning => warning.Code == WarningCodes.GuessCorrected).Which.Text.Should().Contain("stays as it is");
    }

    [Theory]
    [InlineData(WarningCodes.CodesAsText, ColumnKind.Categorical, false, "00408", "00517")]
    [InlineData(WarningCodes.CodesAsText, ColumnKind.Categorical, false, "10E2", "1000")]
    [InlineData(WarningCodes.LargeNumbersAsText, ColumnKind.Categorical, false, "9007199254740993", "9007199254740995")]
    [InlineData(WarningCodes.CompactDates, ColumnKind.Numeric, true, "20240726", "20240801")]
    [InlineData(WarningCodes.NumbersWithUnit, ColumnKind.Categorical, true, "12 km", "7.5 km")]
    [InlineData(WarningCodes.NumbersWithUnit, ColumnKind.Categorical, true, "12 km", "7.5 mi")]
    [InlineData(WarningCodes.NumbersWithUnit, ColumnKind.Categorical, true, "12 DR", "7.5")]
    [InlineData(WarningCodes.NumbersWithUnit, ColumnKind.Categorical, true, "~12", "<7.5")]
    [InlineData(WarningCodes.NumbersWithUnit, ColumnKind.Categorical, true, "=\"12\"", "=\"7\"")]
    [InlineData(WarningCodes.NumbersWithUnit, ColumnKind.Categorical, true, "2024-07-26 15:00:00 EST", "2024-07-27 15:00:00 PST")]
    [InlineData(WarningCodes.TwoPartTimes, ColumnKind.Categorical, true, "13:45", "9:05")]
    [InlineData(WarningCodes.TwoPartTimes, ColumnKind.Categorical, true, "1:45 PM", "9:05 am")]
    [InlineData(WarningCodes.WordedDates, ColumnKind.Categorical, true, "3 février 2024", "14 août 2024")]
    [InlineData(WarningCodes.WordedDates, ColumnKind.Categorical, true, "3. März 2024", "14. Okt. 2024 15:30")]
    [InlineData(WarningCodes.WordedDates, ColumnKind.Categorical, true, "3 de marzo de 2024", "14 de octubre de 2024")]
    [InlineData(WarningCodes.WordedDates, ColumnKind.Categorical, true, "sam. 3 févr. 2024", "lundi, août 14, 2024")]
    [InlineData(WarningCodes.WordedDates, ColumnKind.Categorical, true, "3-févr.-2024", "14-Feb-2024")]
    public async Task A_kind_that_is_a_guess_is_written_as_one_and_told_by_each_run_until_somebody_says_that_it_is_right(
        string code, ColumnKind kind, bool headline, params string[] cells)
    {
        // A text of apostrophes nowhere: quotes within cells are those of the cells.
        var text = "a;y\n" + string.Concat(Enumerable.Range(0, 300).Select(i => $"{cells[i % cells.Length]};{i % 7}\n"));
        var path = bench.Host.WriteFile("guess.csv", text);
        var inferred = await bench.Host.Get<DefinitionInference>().InferAsync(new PipelineDefinition { Model = Model, Target = "y" }, path, default);

        (inferred.Columns["a"].Kind, inferred.Columns["a"].Assumed, inferred.Columns["y"].Assumed).Should().Be((kind, true, false));
        var written = DefinitionJson.Read(DefinitionJson.Write(inferred));
        written.Columns.Should().BeEquivalentTo(inferred.Columns);
        await bench.IngestAsync(written, path);
        await bench.IngestAsync(written, path);

        var told = bench.Told.Where(warning => warning.Code == code).ToList();
        told.Should().HaveCount(2, "the second run finds the table there already");
        told.Should().OnlyContain(warning => warning.Column == "a" && warning.Line == 2 && warning.Example == cells[0] && warning.Headline == headline);

        var rules = inferred.Columns.ToDictionary();
        rules["a"] = rules["a"] with { Assumed = false };
        await bench.IngestAsync(inferred with { Columns = rules }, path);
        bench.Told.Count(warning => warning.Code == code).Should().Be(2);
    }

    [Fact]
    public async Task A_guessed_kind_holds_where_a_later_file_leads_to_another_one()
    {
        var definition = Definition() with
        {
            Columns = new Dictionary<string, ColumnRule> { ["a"] = new() { Kind = ColumnKind.Categorical, Assumed = true } },
        };

        var raw = await bench.IngestTextAsync(definition, Table("12345"));

        (await bench.ManifestAsync(raw.Raw)).Columns[0].Kind.Should().Be(ColumnKind.Categorical);
        bench.Told.Should().BeEmpty();
    }

    [Theory]
    [InlineData("12A", "7B", "9C", "4D")]
    [InlineData("A12", "A7", "A9", "A4")]
    [InlineData("1st", "2nd", "3rd", "4th")]
    [InlineData("10-20", "20-30", "30-40", "40-50")]
    [InlineData("12", "7", "9 *", "x")]
    [InlineData("Model 3 2024", "Model 31 x 2024 b", "part 45 2024", "2024 12 12 k")]
    public async Task Codes_and_ranges_are_no_numbers_with_a_unit(params string[] cells)
    {
        await bench.IngestTextAsync(Definition(), "a;y\n" + string.Concat(Enumerable.Range(0, 80).Select(i => $"{cells[i % 4]};{i % 7}\n")));

        bench.Told.Should().NotContain(warning => warning.Code == WarningCodes.NumbersWithUnit
            || warning.Code == WarningCodes.TwoPartTimes || warning.Code == WarningCodes.WordedDates);
    }

    [Fact]
    public async Task Amounts_of_more_than_one_currency_are_a_headline_whether_the_format_is_declared_or_not()
    {
        var text = "a;y\n" + string.Concat(Enumerable.Range(0, 30).Select(i => $"{(i % 3 == 2 ? "1,250.50 €" : "$1,250.50")};{i % 7}\n"));

        await bench.IngestTextAsync(Definition(), text);
        await bench.IngestTextAsync(Definition(CellPattern.CommaGroups), text);
        await bench.IngestTextAsync(Definition(CellPattern.CommaGroups), Table("$1,250.50"));

        var told = bench.Told.Where(warning => warning.Code == WarningCodes.FormOfNumbers).ToList();
        told.Should().HaveCount(3);
        told[0].Should().Be(told[1]);
        told[0].Text.Should().Be(
            "Column 'a': 30 of its 30 cells are read as amounts of a currency, and not all of the same: 20 with '$', first line 2: '$1,250.50', "
                + "10 with '€', first line 4: '1,250.50 €'; write them in one currency.");
        (told[0].Column, told[0].Count, told[0].Line, told[0].Example, told[0].Headline).Should().Be(("a", 30, 2, "$1,250.50", true));
        told[2].Headline.Should().BeFalse();
    }

    [Theory]
    [InlineData("12,34", "397,620", CellPattern.Comma, 2, true)]
    [InlineData("12,34", "397,620", CellPattern.Comma, 40, false)]
    [InlineData("12.34", "397.620", CellPattern.Point, 2, true)]
    [InlineData("12.34", "397.620", CellPattern.Point, 40, false)]
    public async Task A_decimal_mark_that_few_of_many_numbers_show_is_in_doubt(string sure, string other, CellPattern format, int few, bool isInDoubt)
    {
        var cells = Enumerable.Repeat(other, 200).Concat(Enumerable.Repeat(sure, few));

        var raw = await bench.IngestTextAsync(Definition(), "a;y\n" + string.Concat(cells.Select((cell, i) => $"{cell};{i % 7}\n")));

        (await bench.ManifestAsync(raw.Raw)).Columns[0].Cells?.Numbers.Should().Be((NumberFormat)format);
        var doubts = bench.Told.Where(warning => warning.Code == WarningCodes.FormatInDoubt).ToList();
        doubts.Should().HaveCount(isInDoubt ? 1 : 0);
        doubts.All(warning => warning.Headline && warning.Text.Contains($"only {few} of its {200 + few} numbers with a", StringComparison.Ordinal)).Should()
            .BeTrue();
    }

    [Fact]
    public async Task Who_declares_a_format_or_a_decimal_mark_declares_a_kind()
    {
        var definition = Definition() with
        {
            Columns = new Dictionary<string, ColumnRule>
            {
                ["a"] = new() { Format = CellPattern.Dmy },
                ["b"] = new() { Format = CellPattern.PointGroups },
                ["c"] = new() { Decimal = DecimalMark.Comma },
            },
        };

        var raw = await bench.IngestTextAsync(
            definition, "a;b;c;y\n" + string.Concat(Enumerable.Range(0, 30).Select(i => $"{(i == 3 ? "17" : "03.02.2026")};{(i < 9 ? "x" : "1.5")};00,5;1\n")));

        (await bench.ManifestAsync(raw.Raw)).Columns.Select(column => column.Type).Take(3).Should()
            .Equal(StorageType.Timestamp, StorageType.Double, StorageType.Double);
        bench.Told.Where(warning => warning.Code == WarningCodes.UnreadableCells).Select(warning => (warning.Column, warning.Count, warning.Line)).Should()
            .Equal(("a", 1L, 5L), ("b", 30L, 2L));
    }

    private static PipelineDefinition Definition(CellPattern? format = null, bool isAssumed = false) => new()
    {
        Model = Model,
        Target = "y",
        Columns = format is not { } pattern ? [] : new Dictionary<string, ColumnRule>
        {
            ["a"] = new() { Kind = pattern >= CellPattern.Ymd ? ColumnKind.Datetime : ColumnKind.Numeric, Format = pattern, Assumed = isAssumed },
        },
    };

    private static string Table(string cell) => "a;y\n" + string.Concat(Enumerable.Range(0, 30).Select(i => $"{cell};{i % 7}\n"));

    private async Task<string> ParquetAsync(string query)
    {
        var path = Path.Combine(bench.Host.WorkFolder, $"{Guid.NewGuid():N}.parquet");
        using var session = bench.Host.Get<DuckDb>().Open(default);
        await Task.Run(() => session.Copy(query, path));
        return path;
    }
}

using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
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

using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class TrainingCellsTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly StageBench bench = new(azurite);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => bench.DisposeAsync().AsTask();

    [Theory]
    [InlineData("-999", 50, true)]
    [InlineData("-999", 200, false)]
    [InlineData("-999.0", 50, true)]
    [InlineData("-99.9", 50, true)]
    [InlineData("9999", 50, true)]
    [InlineData("-2147483648", 50, true)]
    public async Task Numbers_far_from_all_others_that_usually_mean_no_value_are_told_with_rows_line_and_the_way_out(string cell, int every, bool headline)
    {
        var csv = Table(i => i % every == 9 ? cell : $"{i % 90}");

        var split = await bench.SplitAsync(Definition(), csv);

        var number = double.Parse(cell, CultureInfo.InvariantCulture);
        var rows = (await bench.RowsAsync(split.Train, "a")).Count(row => (double)row[0]! == number);
        var told = bench.Told.Should().ContainSingle(warning => warning.Code == WarningCodes.PlaceholderNumbers).Subject;
        (told.Column, told.Count, told.Line, told.Headline).Should().Be(("a", rows, 11, headline));
        var text = number.ToString("R", CultureInfo.InvariantCulture);
        told.Text.Should().Be(
            $"Column 'a': {rows} of {split.Train.Rows} training rows {(rows == 1 ? "has" : "have")} {text}, far from all others (0 to 89; the first in the "
                + $"file, line 11), and the model takes it for an amount. Where it means that there is no value, declare \"nulls\": [\"{text}\"].");
    }

    [Fact]
    public async Task In_the_target_they_are_a_headline_and_several_are_told_together()
    {
        var csv = Table(i => $"{i % 90}", i => i switch { 9 or 20 or 31 or 42 or 53 => "-9999", 64 or 75 or 86 or 97 or 108 => "-99", _ => $"{i % 37}" });

        await bench.SplitAsync(Definition(), csv);

        var told = bench.Told.Should().ContainSingle(warning => warning.Code == WarningCodes.PlaceholderNumbers).Subject;
        (told.Column, told.Headline, told.Line).Should().Be(("y", true, 11));
        told.Text.Should().StartWith("The target 'y': ").And.Contain(" -9999 or -99, far from").And.EndWith("declare \"nulls\": [\"-9999\", \"-99\"].");
    }

    [Fact]
    public async Task Declared_to_mean_no_value_they_are_told_no_more()
    {
        var definition = Definition() with { Columns = new Dictionary<string, ColumnRule> { ["a"] = new() { Nulls = ["-999"] } } };

        await bench.SplitAsync(definition, Table(i => i % 50 == 9 ? "-999" : $"{i % 90}"));

        bench.Told.Should().NotContain(warning => warning.Code == WarningCodes.PlaceholderNumbers);
    }

    [Theory]
    [InlineData("99", 0, 90)]
    [InlineData("-99", -90, 90)]
    [InlineData("999", 0, 2000)]
    [InlineData("-1", 0, 90)]
    [InlineData("-800", 0, 90)]
    public async Task Numbers_among_others_and_odd_ones_are_amounts(string cell, int from, int to)
    {
        await bench.SplitAsync(Definition(), Table(i => i % 50 == 9 ? cell : $"{from + (i * 7 % (to - from))}"));

        bench.Told.Should().NotContain(warning => warning.Code == WarningCodes.PlaceholderNumbers);
    }

    [Theory]
    [InlineData("Berlin", "berlin")]
    [InlineData("New York", "New  York")]
    [InlineData("New York", "new york")]
    [InlineData("São Paulo", "Sa\u0303o Paulo")]
    public async Task Categories_that_are_one_to_people_are_told_with_rows_and_line(string frequent, string rare)
    {
        string[] others = ["rome", "oslo", frequent];
        var csv = Table(i => i % 20 == 4 ? rare : others[i % 3]);

        var split = await bench.SplitAsync(Definition(), csv);

        var rows = (await bench.RowsAsync(split.Train, "a")).Count(row => (string)row[0]! == rare);
        var told = bench.Told.Should().ContainSingle(warning => warning.Code == WarningCodes.CategoriesAlike).Subject;
        (told.Column, told.Count, told.Line, told.Example, told.Headline).Should().Be(("a", rows, 6, rare, true));
        told.Text.Should().Be(
            $"Column 'a': 1 category is spelt in more than one way, by letter case, blanks or accents, such as '{frequent}' and '{rare}': {rows} of "
                + $"{split.Train.Rows} training rows have a rarer spelling (the first in the file, line 6: '{rare}'). Each spelling is a category "
                + "of its own to the model: write them one way.");
    }

    [Fact]
    public async Task Categories_with_and_without_an_accent_are_two()
    {
        await bench.SplitAsync(Definition(), Table(i => i % 2 == 0 ? "pêche" : "péché"));

        bench.Told.Should().NotContain(warning => warning.Code == WarningCodes.CategoriesAlike);
    }

    private static PipelineDefinition Definition() => new() { Model = AzuriteFixture.UniqueModel(), Target = "y" };

    private static string Table(Func<int, string> cell, Func<int, string>? target = null) =>
        "id;a;y\n" + string.Concat(Enumerable.Range(0, 600).Select(i => $"{i};{cell(i)};{target?.Invoke(i) ?? $"{i % 37}"}\n"));
}

using System.Reflection;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Stages;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Testing.Docs;

namespace MlOps.Pipeline.Tests.Contracts;

public sealed class WarningTests
{
    /// <summary>What a property of a table's row takes, in characters.</summary>
    private const int MostCharacters = 32_768;

    [Fact]
    public void A_warning_is_stored_with_its_code_and_read_back_as_it_was()
    {
        var warning = new Warning(WarningCodes.NoValues, "Column 'a' has no values at all.") { Column = "a", Count = 7, Headline = true };

        var json = Json.Write(warning);

        json.Should().Be("""{"code":"no-values","text":"Column 'a' has no values at all.","column":"a","count":7,"headline":true}""");
        Json.Read<Warning>(json).Should().Be(warning);
    }

    [Theory]
    [InlineData("\"odd\"")]
    [InlineData("""{"text":"odd"}""")]
    public void A_warning_of_an_earlier_release_has_no_code(string stored) => Json.Read<Warning>(stored).Should().Be(new Warning(null, "odd"));

    [Theory]
    [InlineData("unreadable-cells", "so it is now", true)]
    [InlineData(null, "Column 'a': 3 of 9 cells cannot be read as a number", true)]
    [InlineData("missing-texts", "Column 'a': 3 of 9 cells cannot be read as a number", false)]
    [InlineData(null, "Column 'a' has no values at all", false)]
    public void Unreadable_cells_are_known_by_their_code_and_in_older_records_by_their_words(string? code, string text, bool expected)
    {
        UnreadableCells.IsOf(new Warning(code, text) { Column = "a" }, "a").Should().Be(expected);
        UnreadableCells.IsOf(new Warning(code, text) { Column = "b" }, "a").Should().BeFalse();
    }

    [Theory]
    [InlineData(1, "1 of 1,300 rows was left out")]
    [InlineData(2, "2 of 1,300 rows were left out")]
    [InlineData(0, "0 of 1,300 rows were left out")]
    public void The_verb_agrees_with_the_number(long count, string expected) => $"{Warning.Share(count, 1300, "rows")} left out".Should().Be(expected);

    [Fact]
    public void What_is_beyond_the_most_is_one_warning_that_counts_it()
    {
        var warnings = Enumerable.Range(1, 60)
            .Select(i => new Warning(WarningCodes.MissingTexts, $"{i}") { Count = i, Line = 100 - i, Example = $"cell {i}", Headline = i == 55 }).ToList();

        var told = Warning.Cap(warnings, 50, 100_000);

        told.Take(50).Should().Equal(warnings.Take(50));
        told.Skip(50).Should().Equal(new Warning(
            WarningCodes.More,
            "… and 10 more (10 missing-texts), which concern 555 rows or cells in all; the first line is 40: 'cell 60'. The stage's log has them.")
        {
            Count = 555,
            Line = 40,
            Example = "cell 60",
            Headline = true,
        });
        told.Sum(warning => warning.Count).Should().Be(warnings.Sum(warning => warning.Count));
    }

    [Fact]
    public void The_longest_warnings_of_a_stage_fit_into_a_row()
    {
        var context = new StageContext("bench-20260101000000000-abcdef", "", "", null!, null!);
        for (var i = 0; i < 80; i++)
        {
            context.Warn(new Warning(WarningCodes.RowsLeftOutTogether, new string('"', 900))
            {
                Column = new string('"', 5000),
                Count = 1,
                Line = long.MaxValue,
                Example = Warning.Shorten(new string('"', 100)),
                Headline = true,
            });
        }

        Json.Write(context.Warnings).Length.Should().BeLessThan(MostCharacters - 4_000, "the rest of the stage's account stands beside");
        context.Warnings.Sum(warning => warning.Count).Should().Be(80);
    }

    [Fact]
    public void Every_code_is_in_the_table_of_the_docs_and_no_other()
    {
        var codes = typeof(WarningCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!).ToList();
        var rows = DocBlock.Read("docs/data.md").Split('\n').SkipWhile(line => line != "| code | told when |").Skip(2)
            .TakeWhile(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('`')[1]);

        rows.Should().Equal(codes);
        codes.Should().OnlyHaveUniqueItems().And.AllSatisfy(code => code.Should().MatchRegex("^[a-z0-9]+(-[a-z0-9]+)*$"));
    }
}

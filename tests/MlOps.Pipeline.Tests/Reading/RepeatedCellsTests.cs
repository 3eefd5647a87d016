using System.Reflection;
using System.Text;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Reading;
using MlOps.Pipeline.Stages.Ingest;

namespace MlOps.Pipeline.Tests.Reading;

/// <summary>A survey that counts what comes again says what one says that looks at each cell.</summary>
public sealed class RepeatedCellsTests
{
    private const int Rows = 60_000;

    private static readonly string[] Odd =
    [
        "", " ", " 7", "7 ", "NA", "n/a", "missing", "true", "TRUE", "12 km", "3 km", "4 mi", "1.234", "1,234", "1.234,5", "15%", "$5", "-3", "007", "10E2",
        "01/02/2026", "13/02/2026", "2026-02-01", "1.2.2026", "0000-00-00", "1:02:03", "20200616", "CASH", "CMT", "abcdefgh", "abcdefghi", "abcdefghijklmno",
        "aaaaaaaaa", "aaaaaaaaaa", "abcdefghijklmnop", "9007199254740993", "é", "日本", "\u00a05",
    ];

    [Theory]
    [InlineData(1, 30)]
    [InlineData(7, 3_000)]
    [InlineData(5_000, 100_000)]
    public void Counting_changes_nothing(int columns, int values)
    {
        var random = new Random(columns);
        var (counted, looked) = (new ColumnSurvey(["missing"u8.ToArray()]), new ColumnSurvey(["missing"u8.ToArray()]));
        var repeated = new RepeatedCells(counted, columns);
        for (var line = 1; line <= Rows; line++)
        {
            // What is odd comes late, when cells are no longer looked at one by one.
            var cell = Encoding.UTF8.GetBytes(line > Rows / 3 && random.Next(3) == 0 ? Odd[random.Next(Odd.Length)] : $"{random.Next(values) / 4.0}");
            repeated.Add(cell, line);
            looked.Add(cell, line);
        }
        repeated.Settle();

        Findings(counted).Should().Equal(Findings(looked));
    }

    [Fact]
    public void What_was_told_is_not_told_again()
    {
        var survey = new ColumnSurvey(declaredNulls: null);
        var repeated = new RepeatedCells(survey, columns: 1);
        for (var line = 1; line <= Rows; line++)
        {
            repeated.Add("5"u8, line);
        }

        repeated.Settle();
        repeated.Settle();

        survey.Whole.Should().Be(Rows);
    }

    private static IReadOnlyList<string> Findings(ColumnSurvey survey) =>
    [
        .. typeof(ColumnSurvey).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(property => $"{property.Name}: {property.GetValue(survey)}"),
        .. Enumerable.Range(0, NullTexts.Count).Select(index => $"{index}: {survey.NullsOf(index)}, line {survey.NullLineOf(index)}"),
        .. Enum.GetValues<NumberFormat>().Select(format => $"{format}: {survey.NumbersIn(NumberText.BitOf(format))}"),
        .. Enum.GetValues<DateOrder>().Select(order => $"{order}: {survey.DatesIn(TimeText.BitOf(order))}"),
    ];
}

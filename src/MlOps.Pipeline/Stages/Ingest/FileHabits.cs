using MlOps.Pipeline.Data;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>How a file's columns are written where there is no doubt: what settles the others.</summary>
/// <param name="DecimalMark">The decimal mark; null where none stands anywhere, or both do.</param>
/// <param name="DayFirst">True where dates have the day first, false where the month; null where none shows it.</param>
/// <param name="CommaDelimits">True where commas stand between the cells.</param>
internal sealed record FileHabits(char? DecimalMark, bool? DayFirst, bool CommaDelimits)
{
    /// <summary>All formats, a bit each.</summary>
    public static int AllFormats => (1 << Enum.GetValues<NumberFormat>().Length) - 1;

    public static FileHabits Of(IReadOnlyList<ColumnSurvey> columns, bool commaDelimits)
    {
        var marks = columns.Where(column => column.Numbers > column.Whole && column.Numbers * 2 > column.Cells).Select(MarkOf).OfType<char>().Distinct()
            .ToList();
        var orders = columns.Where(column => column.Dates * 2 > column.Cells).Select(DayFirstOf).OfType<bool>().Distinct().ToList();
        return new FileHabits(marks.Count == 1 ? marks[0] : null, orders.Count == 1 ? orders[0] : null, commaDelimits);
    }

    private static char? MarkOf(ColumnSurvey column)
    {
        var (point, comma) = (Largest('.', column), Largest(',', column));
        return point == comma ? null : point > comma ? '.' : ',';
    }

    private static long Largest(char mark, ColumnSurvey column) => Enum.GetValues<NumberFormat>()
        .Where(format => (NumberText.BitsOf(mark) & NumberText.BitOf(format)) != 0).Max(format => column.NumbersIn(NumberText.BitOf(format)));

    private static bool? DayFirstOf(ColumnSurvey column)
    {
        var (dmy, mdy) = (column.DatesIn(TimeText.BitOf(DateOrder.Dmy)), column.DatesIn(TimeText.BitOf(DateOrder.Mdy)));
        return dmy == mdy ? null : dmy > mdy;
    }
}

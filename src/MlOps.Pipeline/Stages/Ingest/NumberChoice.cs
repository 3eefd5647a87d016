using MlOps.Pipeline.Data;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>The format that reads most of a column's numbers.</summary>
/// <param name="Format">The format.</param>
/// <param name="Doubt">Why another one would do as well, with other values; null where none would.</param>
internal sealed record NumberChoice(NumberFormat Format, string? Doubt)
{
    public static NumberChoice Of(ColumnSurvey survey, int allowed, char? decimalMark)
    {
        var counts = Enum.GetValues<NumberFormat>().Where(format => (allowed & NumberText.BitOf(format)) != 0)
            .Select(format => (Format: format, Count: survey.NumbersIn(NumberText.BitOf(format)))).ToList();
        var most = counts.Max(format => format.Count);
        var best = counts.Where(format => format.Count == most).Select(format => format.Format).ToList();
        // Without separators all formats say the same.
        if (best.Count == 1 || survey.Whole == survey.Numbers)
        {
            return new NumberChoice(best[0], null);
        }
        return (best.Contains(NumberFormat.Point), best.Contains(NumberFormat.PointGroups), best.Contains(NumberFormat.Comma),
            best.Contains(NumberFormat.CommaGroups)) switch
        {
            (true, true, _, _) => Between(survey, NumberFormat.Point, NumberFormat.PointGroups, decimalMark is { } mark ? mark == '.' : null, "point"),
            (_, _, true, true) => Between(survey, NumberFormat.Comma, NumberFormat.CommaGroups, decimalMark is { } mark ? mark == ',' : null, "comma"),
            _ => new NumberChoice(best[0], null),
        };
    }

    /// <param name="survey">The column, whose separators all have three digits behind.</param>
    /// <param name="asDecimal">The separator is the decimal mark.</param>
    /// <param name="asGroups">It separates thousands.</param>
    /// <param name="isDecimal">Whether it is the decimal mark elsewhere in the file; null where nothing shows it.</param>
    /// <param name="separator">Its name.</param>
    private static NumberChoice Between(ColumnSurvey survey, NumberFormat asDecimal, NumberFormat asGroups, bool? isDecimal, string separator)
    {
        if (isDecimal is { } known)
        {
            return new NumberChoice(known ? asDecimal : asGroups, null);
        }
        var doubt = $"each {separator} in it has three digits behind, so that 1{(separator == "point" ? "." : ",")}234 may be one and a fraction or more than "
            + "a thousand; it is read as ";
        // Whole numbers from a thousand on would have the separator too, if it stood for thousands; and those below would not.
        var small = survey.Whole > 0 && Math.Max(Math.Abs(survey.Largest), Math.Abs(survey.Smallest)) < 1000;
        return small
            ? new NumberChoice(asGroups, doubt + "more than a thousand, as whole numbers below a thousand stand beside")
            : new NumberChoice(asDecimal, doubt + "one and a fraction");
    }
}

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
            (true, _, _, _) => Sure(survey, best[0], NumberFormat.PointGroups, allowed, "point"),
            (_, _, true, _) => Sure(survey, best[0], NumberFormat.CommaGroups, allowed, "comma"),
            _ => new NumberChoice(best[0], null),
        };
    }

    /// <summary>
    /// A separator is the decimal mark where a single number has other than three digits behind it; where nearly all have three, that one may be the odd one.
    /// Of decimal numbers with three places a tenth ends with a zero, which most programs leave out.
    /// </summary>
    private static NumberChoice Sure(ColumnSurvey survey, NumberFormat asDecimal, NumberFormat asGroups, int allowed, string separator)
    {
        const int OfSo = 50;
        var (read, grouped) = (survey.NumbersIn(NumberText.BitOf(asDecimal)), survey.NumbersIn(NumberText.BitOf(asGroups)));
        var (sure, separated) = (read - grouped, read - survey.Whole);
        return (allowed & NumberText.BitOf(asGroups)) != 0 && sure > 0 && sure * OfSo <= separated
            ? new NumberChoice(asDecimal, $"only {sure} of its {separated} numbers with a {separator} have other than three digits behind it, and show that "
                + "the others are one and a fraction and not more than a thousand; they are read so")
            : new NumberChoice(asDecimal, null);
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

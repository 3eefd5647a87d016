using System.Globalization;
using System.Text.RegularExpressions;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>What a column is and how its cells are read: decided from all of them and from the definition.</summary>
/// <param name="Type">How it is stored.</param>
/// <param name="Kind">What it means.</param>
/// <param name="Format">What its cells mean; null: plain numbers, dates with the year first, the usual nulls.</param>
/// <param name="IsDirect">True where DuckDB's own cast reads every cell alike.</param>
/// <param name="IsClean">True where every cell with anything in it is a value of the type.</param>
internal sealed partial record ColumnReading(StorageType Type, ColumnKind Kind, CellFormat? Format, bool IsDirect = false, bool IsClean = false)
{
    /// <summary>What is told where the file does not show how the column is written, so that another format would do as well; null where it shows.</summary>
    public Warning? Doubt { get; private init; }

    /// <summary>True where the cells show which decimal mark they have, or whether the day or the month comes first, and all of them the same.</summary>
    public bool IsShown { get; private init; }

    /// <summary>The first cell that shows how the column is written, or may; null: none does, or it is written the plain way.</summary>
    public SurveyedCell? Example { get; private init; }

    /// <summary>Share of cells that must read as numbers or dates for a column with some odd cells to count as such.</summary>
    public const double Most = 0.9;

    private const int FewRows = 50;
    private const int FewDifferent = 1000;
    private const int LongText = 40;

    /// <summary>How columns of a kind are stored.</summary>
    public static StorageType TypeOf(ColumnKind kind) => kind switch
    {
        ColumnKind.Numeric => StorageType.Double,
        ColumnKind.Boolean => StorageType.Boolean,
        ColumnKind.Datetime => StorageType.Timestamp,
        _ => StorageType.Varchar,
    };

    /// <param name="name">The column's name.</param>
    /// <param name="survey">All its cells.</param>
    /// <param name="rule">What is declared about it.</param>
    /// <param name="isTarget">Whether it is to be predicted.</param>
    /// <param name="habits">How numbers are written elsewhere in the file.</param>
    /// <param name="warnings">Takes what the user should know.</param>
    public static ColumnReading Decide(string name, ColumnSurvey survey, ColumnRule? rule, bool isTarget, FileHabits habits, List<Warning> warnings)
    {
        if (survey.Cells == 0)
        {
            // All rows go without it: blank cells, and those that are declared to mean a missing value.
            var rows = survey.Blank + survey.DeclaredNulls;
            warnings.Add(new Warning(WarningCodes.NoValues, $"Column '{name}' has no values at all; it is left out.")
            {
                Column = name,
                Count = rows,
                Headline = isTarget,
            });
            var empty = rule?.Kind ?? ColumnKind.Text;
            return new ColumnReading(TypeOf(empty), empty, FormatOf(rule), IsClean: true);
        }
        var decided = KindOf(rule) is { } declared
            ? Guessed(name, survey, rule!, isTarget, habits, warnings) ?? Declared(name, survey, rule!, declared, habits, warnings)
            : Found(name, survey, rule, isTarget, habits, warnings);
        return decided.Type == StorageType.Varchar ? decided : WithCells(decided, survey);
    }

    /// <summary>Who says how numbers or dates are written says that the column has some.</summary>
    private static ColumnKind? KindOf(ColumnRule? rule) => rule switch
    {
        { Kind: { } kind } => kind,
        { Format: { } format, Assumed: false } => format >= CellPattern.Ymd ? ColumnKind.Datetime : ColumnKind.Numeric,
        { Decimal: not null } => ColumnKind.Numeric,
        _ => null,
    };

    /// <summary>The reading that is found, with all that is told of it, where the declared kind is a guess and the cells lead to it; else null.</summary>
    private static ColumnReading? Guessed(
        string name, ColumnSurvey survey, ColumnRule rule, bool isTarget, FileHabits habits, List<Warning> warnings)
    {
        if (rule is not { Kind: { } guess, Assumed: true, Format: null })
        {
            return null;
        }
        var told = new List<Warning>();
        var found = Found(name, survey, rule, isTarget, habits, told);
        if (found.Kind != guess)
        {
            return null;
        }
        warnings.AddRange(told);
        return found;
    }

    private static ColumnReading WithCells(ColumnReading reading, ColumnSurvey survey)
    {
        var values = reading.Type switch
        {
            StorageType.Double => survey.NumbersIn(NumberText.BitOf(reading.Format?.Numbers ?? NumberFormat.Point)),
            StorageType.Timestamp => survey.DatesIn(TimeText.BitOf(reading.Format?.Dates ?? DateOrder.Ymd)),
            _ => survey.Booleans,
        };
        var clean = values == survey.Cells && survey.DeclaredNulls == 0;
        var direct = clean && survey is { IsPadded: false, HasBlanks: false } && reading.Type switch
        {
            StorageType.Double => survey.Plain == survey.Cells && reading.Format?.Numbers is null or NumberFormat.Point,
            StorageType.Boolean => true,
            _ => false,
        };
        return reading with { IsClean = clean, IsDirect = direct };
    }

    private static ColumnReading Declared(
        string name, ColumnSurvey survey, ColumnRule rule, ColumnKind kind, FileHabits habits, List<Warning> warnings) => kind switch
        {
            ColumnKind.Numeric => Numbers(name, survey, rule, kind, habits, warnings),
            ColumnKind.Datetime => Dates(name, survey, rule, habits, warnings),
            ColumnKind.Boolean => new ColumnReading(StorageType.Boolean, kind, FormatOf(rule)),
            _ => AsText(name, survey, rule, kind, warnings),
        };

    private static ColumnReading Found(
        string name, ColumnSurvey survey, ColumnRule? rule, bool isTarget, FileHabits habits, List<Warning> warnings)
    {
        var values = survey.Cells - survey.NullTexts;
        if (survey.Booleans > 0 && survey.Booleans == values && (isTarget || !HasPlaceholders(survey)))
        {
            return new ColumnReading(StorageType.Boolean, ColumnKind.Boolean, FormatOf(rule));
        }
        if (survey.Numbers > 0 && survey.Numbers >= values * Most)
        {
            if (AsNumber(name, survey, rule, isTarget, habits, warnings) is { } number)
            {
                return number;
            }
        }
        else if (survey.Dates > 0 && survey.Dates + survey.ZeroDates >= values * Most
            && (survey.ShortYears == 0 || survey.Dates + survey.ZeroDates == values))
        {
            return Dates(name, survey, rule, habits, warnings);
        }
        return AsText(name, survey, rule, null, warnings);
    }

    /// <summary>Null where the cells are codes or ids that a number would not keep apart.</summary>
    private static ColumnReading? AsNumber(
        string name, ColumnSurvey survey, ColumnRule? rule, bool isTarget, FileHabits habits, List<Warning> warnings)
    {
        var isWhole = survey.Whole == survey.Cells;
        if (survey.LeadingZeros > 0 || (survey.BareExponents > 0 && survey.Whole + survey.BareExponents == survey.Numbers))
        {
            var (count, sort) = survey.LeadingZeros > 0 ? (survey.LeadingZeros, "leading zeros") : (survey.BareExponents, "an E among digits");
            warnings.Add(new Warning(
                WarningCodes.CodesAsText,
                $"Column '{name}' is read as text: {Count(count)} of its {Count(survey.Cells)} cells {(count == 1 ? "has" : "have")} {sort}, as codes have "
                + $"({survey.Code}). Declare it numeric to read numbers.")
            {
                Column = name,
                Count = count,
                Line = survey.Code?.Line,
                Example = survey.Code?.Text,
            });
            return null;
        }
        if (!isTarget && isWhole && survey.BeyondDouble > 0)
        {
            warnings.Add(new Warning(
                WarningCodes.LargeNumbersAsText,
                $"Column '{name}' is read as text: {Count(survey.BeyondDouble)} of its whole numbers {(survey.BeyondDouble == 1 ? "is" : "are")} too large for "
                    + $"a number to tell them apart ({survey.Large}).")
            {
                Column = name,
                Count = survey.BeyondDouble,
                Line = survey.Large?.Line,
                Example = survey.Large?.Text,
            });
            return null;
        }
        var kind = !isTarget && isWhole && IsId(name, survey) ? ColumnKind.IdLike : ColumnKind.Numeric;
        if (!isTarget && kind == ColumnKind.Numeric)
        {
            ReadingWarnings.CompactDates(name, survey, warnings);
        }
        return Numbers(name, survey, rule, kind, habits, warnings);
    }

    /// <summary>Whole numbers are an id when each stands once and they are called one, or have no name of their own.</summary>
    private static bool IsId(string name, ColumnSurvey survey) => survey.Different == survey.Sampled
        && (survey.IsUnnamed || IndexName.IsMatch(name) || (survey.Cells >= FewRows && IdName.IsMatch(name)));

    private static ColumnReading AsText(string name, ColumnSurvey survey, ColumnRule? rule, ColumnKind? declared, List<Warning> warnings)
    {
        var kind = declared ?? KindOfText(survey.Sampled, survey.Different, survey.AverageLength, survey.Spaced);
        if (declared is not null || !ReadingWarnings.Units(name, survey, warnings))
        {
            ReadingWarnings.Mixture(name, survey, warnings);
        }
        var nulls = 0L;
        for (var i = 0; i < NullTexts.Count; i++)
        {
            nulls += NullTexts.IsPlaceholder(i) ? 0 : survey.NullsOf(i);
        }
        ReadingWarnings.Words(name, survey, rule, kind, warnings);
        var direct = !survey.HasBlanks && nulls == 0 && rule?.Nulls is null;
        return new ColumnReading(StorageType.Varchar, kind, FormatOf(rule), direct, rule?.Nulls is null && nulls == 0);
    }

    /// <summary>Categorical, unless nearly every row has a text of its own.</summary>
    /// <param name="cells">How many cells were looked at.</param>
    /// <param name="different">How many different ones are among them.</param>
    /// <param name="averageLength">In bytes.</param>
    /// <param name="spaced">Cells with a blank within.</param>
    public static ColumnKind KindOfText(long cells, int different, double averageLength, long spaced)
    {
        if (cells < FewRows || (different <= FewDifferent ? different <= cells * 0.9 : different <= cells * 0.5))
        {
            return ColumnKind.Categorical;
        }
        return averageLength > LongText || spaced > cells / 2 ? ColumnKind.Text : ColumnKind.IdLike;
    }

    private static bool HasPlaceholders(ColumnSurvey survey) =>
        Enumerable.Range(0, NullTexts.Count).Any(i => NullTexts.IsPlaceholder(i) && survey.NullsOf(i) > 0);

    private static ColumnReading Numbers(
        string name, ColumnSurvey survey, ColumnRule? rule, ColumnKind kind, FileHabits habits, List<Warning> warnings)
    {
        if (kind == ColumnKind.Numeric)
        {
            ReadingWarnings.Counting(name, survey, warnings);
        }
        var isDeclared = rule is { Format: < CellPattern.Ymd, Assumed: false };
        var (format, told) = isDeclared ? ((NumberFormat)rule!.Format!, null) : Choose(name, survey, rule, habits);
        if (told is not null)
        {
            warnings.Add(told);
        }
        if (rule?.Decimal is null)
        {
            ReadingWarnings.Notations(name, survey, format, isDeclared, warnings);
        }
        ReadingWarnings.Forms(name, survey, warnings);
        return new ColumnReading(StorageType.Double, kind, FormatOf(rule, format))
        {
            Doubt = told,
            IsShown = !isDeclared && told is null && IsShown(),
            Example = format == NumberFormat.Point ? null
                : EarlierFormats.IsComma((CellPattern)format) ? survey.WithComma ?? survey.Separated
                : survey.WithPoint ?? survey.Separated,
        };

        // A format that was declared, or an earlier table's, leaves no doubt: what the cells show by themselves is another thing.
        bool IsShown()
        {
            var (own, other) = EarlierFormats.IsComma((CellPattern)format) ? (',', '.') : ('.', ',');
            return survey.NumbersIn(NumberText.BitOf(format)) == survey.Numbers
                && survey.NumbersOnlyIn(NumberText.BitsOf(own), NumberText.BitsOf(other)) > 0;
        }
    }

    /// <summary>The format that reads most of the numbers, and what is told where another one would do as well.</summary>
    private static (NumberFormat Format, Warning? Doubt) Choose(string name, ColumnSurvey survey, ColumnRule? rule, FileHabits habits)
    {
        var allowed = rule?.Decimal is { } mark ? NumberText.BitsOf(mark == DecimalMark.Comma ? ',' : '.') : FileHabits.AllFormats;
        var choice = NumberChoice.Of(survey, allowed, habits.DecimalMark);
        if (choice.Doubt is not { } doubt || rule?.Decimal is not null)
        {
            return (choice.Format, null);
        }
        var isAssumed = rule?.Format is { } assumed and < CellPattern.Ymd && ReadsAsMany((NumberFormat)assumed, choice.Format);
        var format = isAssumed ? (NumberFormat)rule!.Format! : choice.Format;
        var guess = isAssumed ? $"; the definition assumes {DefinitionNames.Patterns.NameOf((CellPattern)format)}" : "";
        return (format, new Warning(
            WarningCodes.FormatInDoubt, $"Column '{name}': {doubt}{guess} ({survey.Separated}). Declare \"format\" or \"decimal\" to say which.")
        {
            Column = name,
            Count = survey.Numbers - survey.Whole,
            Line = survey.Separated?.Line,
            Example = survey.Separated?.Text,
            // Where commas stand between cells, points are rarely anything but decimal.
            Headline = !habits.CommaDelimits || format != NumberFormat.Point,
        });

        bool ReadsAsMany(NumberFormat one, NumberFormat other) => survey.NumbersIn(NumberText.BitOf(one)) == survey.NumbersIn(NumberText.BitOf(other));
    }

    private static ColumnReading Dates(string name, ColumnSurvey survey, ColumnRule? rule, FileHabits habits, List<Warning> warnings)
    {
        var (order, doubt) = rule is { Format: { } declared and >= CellPattern.Ymd, Assumed: false }
            ? (OrderOf(declared), null)
            : OrderOf(name, survey, rule, habits);
        if (doubt is not null)
        {
            warnings.Add(doubt);
        }
        return new ColumnReading(StorageType.Timestamp, ColumnKind.Datetime, FormatOf(rule, dates: order))
        {
            Doubt = doubt,
            Example = order switch
            {
                DateOrder.Dmy => survey.DayFirst ?? survey.Ambiguous,
                DateOrder.Mdy => survey.MonthFirst ?? survey.Ambiguous,
                _ => null,
            },
            IsShown = Enum.GetValues<DateOrder>().All(one => survey.DatesIn(TimeText.BitOf(one)) == survey.Dates == (one == order)),
        };
    }

    private static DateOrder OrderOf(CellPattern pattern) => (DateOrder)(pattern - CellPattern.Ymd);

    private static (DateOrder Order, Warning? Doubt) OrderOf(string name, ColumnSurvey survey, ColumnRule? rule, FileHabits habits)
    {
        var (ymd, dmy, mdy) = (survey.DatesIn(TimeText.BitOf(DateOrder.Ymd)), survey.DatesIn(TimeText.BitOf(DateOrder.Dmy)),
            survey.DatesIn(TimeText.BitOf(DateOrder.Mdy)));
        if (ymd >= dmy && ymd >= mdy)
        {
            return (DateOrder.Ymd, null);
        }
        if (dmy != mdy)
        {
            return (dmy > mdy ? DateOrder.Dmy : DateOrder.Mdy, null);
        }
        var order = survey.DottedDates > 0 || habits.DecimalMark == ',' || habits.DayFirst == true ? DateOrder.Dmy : DateOrder.Mdy;
        order = habits.DayFirst == false ? DateOrder.Mdy : order;
        var isAssumed = rule?.Format is CellPattern.Dmy or CellPattern.Mdy;
        order = isAssumed ? OrderOf(rule!.Format!.Value) : order;
        return (order, new Warning(
            WarningCodes.FormatInDoubt,
            $"Column '{name}': nothing in the file shows whether the day or the month comes first ({survey.Ambiguous}); it is "
            + $"read with the {(order == DateOrder.Dmy ? "day" : "month")} first{(isAssumed ? ", which the definition assumes" : "")}. "
            + "Declare \"format\": \"dmy\" or \"mdy\" to say which.")
        {
            Column = name,
            Count = dmy - ymd,
            Line = survey.Ambiguous?.Line,
            Example = survey.Ambiguous?.Text,
            Headline = true,
        });
    }

    private static CellFormat? FormatOf(ColumnRule? rule, NumberFormat numbers = NumberFormat.Point, DateOrder dates = DateOrder.Ymd)
    {
        var format = new CellFormat { Nulls = rule?.Nulls, Numbers = numbers, Dates = dates };
        return format == new CellFormat() ? null : format;
    }

    private static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    [GeneratedRegex("(^|[_ .-])(id|uuid|guid|key|no|number|index|row)$|Id$|ID$", RegexOptions.CultureInvariant)]
    private static partial Regex IdName { get; }

    /// <summary>What pandas calls a column of row numbers that has no name.</summary>
    [GeneratedRegex(@"^(unnamed: ?\d+|__index_level_\d+__|index|level_0)$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex IndexName { get; }
}

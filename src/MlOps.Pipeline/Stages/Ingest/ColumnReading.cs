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
    private const double Most = 0.9;

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

    /// <summary>
    /// What kind is only guessed by, so that the guess is written down as one: each run then tells of it again, until somebody says that it is right.
    /// </summary>
    public static bool IsGuessOfKind(Warning warning) => warning is
    {
        Column: not null,
        Code: WarningCodes.CodesAsText or WarningCodes.LargeNumbersAsText or WarningCodes.CompactDates or WarningCodes.NumbersWithUnit
            or WarningCodes.TwoPartTimes,
    };

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
            WarnOfDates(name, survey, warnings);
        }
        return Numbers(name, survey, rule, kind, habits, warnings);
    }

    /// <summary>Whole numbers are an id when each stands once and they are called one, or have no name of their own.</summary>
    private static bool IsId(string name, ColumnSurvey survey) => survey.Different == survey.Sampled
        && (survey.IsUnnamed || IndexName.IsMatch(name) || (survey.Cells >= FewRows && IdName.IsMatch(name)));

    private static void WarnOfCounting(string name, ColumnSurvey survey, List<Warning> warnings)
    {
        if (survey.Cells >= FewRows && survey.CountsUp)
        {
            warnings.Add(CountsRows(name, survey.Cells, (survey.Smallest, survey.Largest), survey.Number!));
        }
    }

    /// <summary>Whether so many values are enough to see that a column counts its rows.</summary>
    public static bool AreEnoughToCount(long values) => values >= FewRows;

    /// <summary>What is told of a column that has each whole number of a range once.</summary>
    /// <param name="name">The column.</param>
    /// <param name="cells">How many.</param>
    /// <param name="range">The smallest and the largest.</param>
    /// <param name="first">The first of them.</param>
    public static Warning CountsRows(string name, long cells, (long Smallest, long Largest) range, SurveyedCell first) => new(
        WarningCodes.CountsRows,
        $"Column '{name}' counts its rows ({Count(range.Smallest)} to {Count(range.Largest)}, each once) and is used "
            + "as a number. Where it is only a row number, declare it \"id\": the order of the rows may tell the target.")
    {
        Column = name,
        Count = cells,
        Line = first.Line > 0 ? first.Line : null,
        Example = first.Text,
        Headline = true,
    };

    /// <summary>20200616 is a date to people; as a number, a year is as much as ten thousand days.</summary>
    private static void WarnOfDates(string name, ColumnSurvey survey, List<Warning> warnings)
    {
        if (survey.CompactDates > 0 && survey.CompactDates == survey.Numbers)
        {
            warnings.Add(new Warning(
                WarningCodes.CompactDates,
                $"Column '{name}': all of its {Count(survey.Numbers)} numbers are dates without separators ({survey.Number}); they are "
                + "used as numbers. Declare it \"datetime\" to use them as dates.")
            {
                Column = name,
                Count = survey.CompactDates,
                Line = survey.Number?.Line,
                Example = survey.Number?.Text,
                Headline = true,
            });
        }
    }

    private static ColumnReading AsText(string name, ColumnSurvey survey, ColumnRule? rule, ColumnKind? declared, List<Warning> warnings)
    {
        var kind = declared ?? KindOfText(survey.Sampled, survey.Different, survey.AverageLength, survey.Spaced);
        if (declared is not null || !WarnOfUnit(name, survey, warnings))
        {
            WarnOfMixture(name, survey, warnings);
        }
        var nulls = 0L;
        for (var i = 0; i < NullTexts.Count; i++)
        {
            nulls += NullTexts.IsPlaceholder(i) ? 0 : survey.NullsOf(i);
        }
        WarnOfWords(name, survey, rule, kind, warnings);
        var direct = !survey.HasBlanks && nulls == 0 && rule?.Nulls is null;
        return new ColumnReading(StorageType.Varchar, kind, FormatOf(rule), direct, rule?.Nulls is null && nulls == 0);
    }

    /// <summary>A text that is a missing value among numbers, and a word among words.</summary>
    private static void WarnOfWords(string name, ColumnSurvey survey, ColumnRule? rule, ColumnKind kind, List<Warning> warnings)
    {
        if (kind != ColumnKind.Categorical || rule?.Nulls is not null)
        {
            return;
        }
        var words = Enumerable.Range(0, NullTexts.Count).Where(i => NullTexts.IsPlaceholder(i) && survey.NullsOf(i) > 0).ToList();
        if (words.Count > 0)
        {
            warnings.Add(MissingTexts.Words(name, [.. words.Select(i => (NullTexts.Text(i), survey.NullsOf(i), survey.NullLineOf(i)))]));
        }
    }

    private static void WarnOfMixture(string name, ColumnSurvey survey, List<Warning> warnings)
    {
        var values = survey.Cells - survey.NullTexts;
        var (sort, count) = survey.Numbers >= survey.Dates ? ("numbers", survey.Numbers) : ("dates", survey.Dates);
        if (count * 2 > values && count < values * Most && survey.Word is { } word)
        {
            warnings.Add(new Warning(
                WarningCodes.MostlyValues, $"Column '{name}' is read as text: only {Count(count)} of its {Count(values)} values are {sort} ({word}).")
            {
                Column = name,
                Count = values - count,
                Line = word.Line,
                Example = word.Text,
                Headline = true,
            });
        }
    }

    /// <summary>"12 km" is a number to people, and "13:45" a time. False where there is nothing of it to tell.</summary>
    private static bool WarnOfUnit(string name, ColumnSurvey survey, List<Warning> warnings)
    {
        var values = survey.Cells - survey.NullTexts;
        if (survey.Clocks > 0 && survey.Clocks >= values * Most)
        {
            warnings.Add(new Warning(
                WarningCodes.TwoPartTimes,
                $"Column '{name}' is read as text: {Count(survey.Clocks)} of its {Count(values)} values "
                + $"{(survey.Clocks == 1 ? "is a time" : "are times")} of two parts ({survey.Clock}), which may be hours and minutes as well as minutes "
                + "and seconds. Write all three parts (13:45:00), and they are used as seconds.")
            {
                Column = name,
                Count = survey.Clocks,
                Line = survey.Clock?.Line,
                Example = survey.Clock?.Text,
                Headline = true,
            });
            return true;
        }
        var withUnit = survey.Units.Sum(unit => unit.Cells);
        var plain = survey.AreUnitsOfDates ? survey.Dates : survey.Numbers;
        // A few among plain numbers are odd cells, as a note behind one is.
        if (withUnit <= values * (1 - Most) || withUnit + plain < values * Most)
        {
            return false;
        }
        var (sort, one, first) = (survey.AreUnitsOfDates ? "dates" : "numbers", survey.AreUnitsOfDates ? "a date" : "a number", survey.Units[0].First);
        var units = string.Join(" or ", survey.Units.Select(unit => $"'{unit.Text}'"));
        warnings.Add(new Warning(
            WarningCodes.NumbersWithUnit,
            $"Column '{name}' is read as text: {Count(withUnit)} of its {Count(values)} values {(withUnit == 1 ? $"is {one}" : $"are {sort}")} with {units} "
            + $"{(survey.Units.Any(unit => UnitText.BeginsBefore(unit.Utf8)) ? "beside" : "behind")} ({first}). "
            + $"Write them without it{(survey.Units.Count > 1 ? ", all in one unit" : "")}, and they are used as {sort}; or declare a kind.")
        {
            Column = name,
            Count = withUnit,
            Line = first.Line,
            Example = first.Text,
            Headline = true,
        });
        return true;
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
            WarnOfCounting(name, survey, warnings);
        }
        var isDeclared = rule is { Format: < CellPattern.Ymd, Assumed: false };
        var (format, told) = isDeclared ? ((NumberFormat)rule!.Format!, null) : Choose(name, survey, rule, habits);
        if (told is not null)
        {
            warnings.Add(told);
        }
        if (rule?.Decimal is null)
        {
            WarnOfNotations(name, survey, format, isDeclared, warnings);
        }
        WarnOfForms(name, survey, warnings);
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

    /// <summary>Tells what is more than a number: per cent, amounts of a currency, durations.</summary>
    private static void WarnOfForms(string name, ColumnSurvey survey, List<Warning> warnings)
    {
        var currencies = survey.CurrenciesFound;
        var several = currencies.Count > 1
            ? $"amounts of a currency, and not all of the same: {string.Join(", ", currencies.Select(one => $"{Count(one.Cells)} with '{one.Text}', first "
                + $"{one.First}"))}; write them in one currency"
            : null;
        var sorts = new (long Count, string Sort, SurveyedCell? First, bool IsMixed)[]
        {
            (survey.Percents, "per cent (15.2% is 15.2)", survey.Percent, false),
            (survey.Currencies, several ?? "amounts of a currency", survey.Currency, several is not null),
            (survey.Durations, "seconds (1:02:03 is 3723)", survey.Duration, false),
        };
        foreach (var (count, sort, first, isMixed) in sorts.Where(sort => sort.Count > 0))
        {
            warnings.Add(new Warning(
                WarningCodes.FormOfNumbers,
                $"Column '{name}': {Count(count)} of its {Count(survey.Cells)} cells {(count == 1 ? "is" : "are")} read as {sort}"
                    + $"{(isMixed ? "" : $" ({first})")}.")
            {
                Column = name,
                Count = count,
                Line = first?.Line,
                Example = first?.Text,
                Headline = isMixed || count < survey.Numbers,
            });
        }
    }

    /// <summary>12.5 and 12,5 in one column: whichever mark is meant, the cells with the other one are no numbers then.</summary>
    private static void WarnOfNotations(string name, ColumnSurvey survey, NumberFormat format, bool isDeclared, List<Warning> warnings)
    {
        if (survey is not { WithPoint: { } point, WithComma: { } comma })
        {
            return;
        }
        var (pointBits, commaBits) = (NumberText.BitsOf('.'), NumberText.BitsOf(','));
        var (points, commas) = (survey.NumbersOnlyIn(pointBits, commaBits), survey.NumbersOnlyIn(commaBits, pointBits));
        var (rarer, first) = points < commas ? (points, point) : (commas, comma);
        warnings.Add(new Warning(
            WarningCodes.TwoNotations,
            $"Column '{name}' has two decimal marks: {Warning.Counted(points, "number")} with a point ({point}) and {Count(commas)} with a comma ({comma}). "
                + $"It is read as {DefinitionNames.Patterns.NameOf((CellPattern)format)}, which cannot read the others. Write all of them one way"
                + $"{(isDeclared ? "" : ", or declare \"format\"")}.")
        {
            Column = name,
            Count = rarer,
            Line = first.Line,
            Example = first.Text,
            Headline = true,
        });
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

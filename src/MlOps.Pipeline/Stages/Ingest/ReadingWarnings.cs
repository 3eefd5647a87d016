using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>What is told of how a column was read, where people may see something else in its cells.</summary>
internal static class ReadingWarnings
{
    /// <summary>Values from which it can be seen that a column counts its rows.</summary>
    private const int EnoughToCount = 50;

    /// <summary>
    /// What kind is only guessed by, so that the guess is written down as one: each run then tells of it again, until somebody says that it is right.
    /// </summary>
    public static bool IsGuessOfKind(Warning warning) => warning is
    {
        Column: not null,
        Code: WarningCodes.CodesAsText or WarningCodes.LargeNumbersAsText or WarningCodes.CompactDates or WarningCodes.NumbersWithUnit
            or WarningCodes.TwoPartTimes or WarningCodes.WordedDates,
    };

    /// <summary>Whether so many values are enough to see that a column counts its rows.</summary>
    public static bool AreEnoughToCount(long values) => values >= EnoughToCount;

    public static void Counting(string name, ColumnSurvey survey, List<Warning> warnings)
    {
        if (survey.Cells >= EnoughToCount && survey.CountsUp)
        {
            warnings.Add(CountsRows(name, survey.Cells, (survey.Smallest, survey.Largest), survey.Number!));
        }
    }

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
    public static void CompactDates(string name, ColumnSurvey survey, List<Warning> warnings)
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

    /// <summary>A text that is a missing value among numbers, and a word among words.</summary>
    public static void Words(string name, ColumnSurvey survey, ColumnRule? rule, ColumnKind kind, List<Warning> warnings)
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

    public static void Mixture(string name, ColumnSurvey survey, List<Warning> warnings)
    {
        var values = survey.Cells - survey.NullTexts;
        var (sort, count) = survey.Numbers >= survey.Dates ? ("numbers", survey.Numbers) : ("dates", survey.Dates);
        if (count * 2 > values && count < values * ColumnReading.Most && survey.Word is { } word)
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

    /// <summary>"12 km" is a number to people, "13:45" a time, and "3 février 2024" a date. False where there is nothing of it to tell.</summary>
    public static bool Units(string name, ColumnSurvey survey, List<Warning> warnings)
    {
        var values = survey.Cells - survey.NullTexts;
        if (survey.Clocks > 0 && survey.Clocks >= values * ColumnReading.Most)
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
        if (survey.WordedDates > 0 && survey.WordedDates + survey.Dates >= values * ColumnReading.Most)
        {
            warnings.Add(new Warning(
                WarningCodes.WordedDates,
                $"Column '{name}' is read as text: {Count(survey.WordedDates)} of its {Count(values)} values "
                + $"{(survey.WordedDates == 1 ? "looks like a date" : "look like dates")} with words that are not read ({survey.WordedDate}), as "
                + "only English names of months and days are. Write them as 2024-02-03 to use them as dates; or declare a kind.")
            {
                Column = name,
                Count = survey.WordedDates,
                Line = survey.WordedDate?.Line,
                Example = survey.WordedDate?.Text,
                Headline = true,
            });
            return true;
        }
        var withUnit = survey.Units.Sum(unit => unit.Cells);
        var plain = survey.AreUnitsOfDates ? survey.Dates : survey.Numbers;
        // A few among plain numbers are odd cells, as a note behind one is.
        if (withUnit <= values * (1 - ColumnReading.Most) || withUnit + plain < values * ColumnReading.Most)
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

    /// <summary>Tells what is more than a number: per cent, amounts of a currency, durations.</summary>
    public static void Forms(string name, ColumnSurvey survey, List<Warning> warnings)
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
    public static void Notations(string name, ColumnSurvey survey, NumberFormat format, bool isDeclared, List<Warning> warnings)
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

    private static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}

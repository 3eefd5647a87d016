namespace MlOps.Pipeline.Reading;

/// <summary>
/// Reads hours, minutes and seconds, a duration or a time of day, as a number of seconds: <c>1:02:03.5</c>, with days before it as Python and pandas
/// write them (<c>1 day, 2:03:04</c>, <c>-1 days +23:59:59</c>, <c>3 days</c>), or .NET (<c>1.02:03:04</c>). Two parts (<c>2:03</c>) may be minutes and seconds
/// as well as hours and minutes: they are none.
/// </summary>
internal static class DurationText
{
    private const int MostDigits = 7;
    private const int MostPlaces = 9;
    private const long SecondsOfDay = 86_400;

    /// <param name="cell">A trimmed cell.</param>
    /// <param name="seconds">How many; NaN when it is none.</param>
    public static bool TryRead(ReadOnlySpan<byte> cell, out double seconds)
    {
        seconds = double.NaN;
        var negative = Take(ref cell, "-"u8) || Take(ref cell, "\u2212"u8);
        if (!negative)
        {
            Take(ref cell, "+"u8);
        }
        if (!TryWhole(ref cell, MostDigits, out var first))
        {
            return false;
        }
        if (Take(ref cell, " day"u8))
        {
            return TryAfterDays(cell, negative ? -first : first, out seconds);
        }
        long days = 0;
        if (Take(ref cell, "."u8))
        {
            days = first;
            if (!TryWhole(ref cell, 2, out first) || first >= 24)
            {
                return false;
            }
        }
        if (!TryMinutes(cell, (days * SecondsOfDay) + (first * 3600), out seconds))
        {
            return false;
        }
        seconds = negative ? -seconds : seconds;
        return true;
    }

    /// <summary>The sign is that of the days alone: <c>-1 days +23:59:59</c> is a second less than nothing.</summary>
    private static bool TryAfterDays(ReadOnlySpan<byte> cell, long days, out double seconds)
    {
        seconds = days * SecondsOfDay;
        Take(ref cell, "s"u8);
        if (cell.IsEmpty)
        {
            return true;
        }
        Take(ref cell, ","u8);
        if (!Take(ref cell, " "u8))
        {
            return false;
        }
        Take(ref cell, "+"u8);
        return TryWhole(ref cell, 2, out var hours) && hours < 24 && TryMinutes(cell, (days * SecondsOfDay) + (hours * 3600), out seconds);
    }

    /// <summary><c>:mm:ss</c> with up to nine places, after what is already known.</summary>
    private static bool TryMinutes(ReadOnlySpan<byte> cell, long before, out double seconds)
    {
        seconds = double.NaN;
        if (!TryPart(ref cell, out var minutes) || !TryPart(ref cell, out var whole))
        {
            return false;
        }
        var total = before + (minutes * 60) + whole;
        if (cell.IsEmpty)
        {
            seconds = total;
            return true;
        }
        var places = cell.Length - 1;
        if (!(Take(ref cell, "."u8) || Take(ref cell, ","u8)) || !TryWhole(ref cell, MostPlaces, out var fraction) || !cell.IsEmpty)
        {
            return false;
        }
        seconds = (double)(total + (fraction / (decimal)Math.Pow(10, places)));
        return true;
    }

    /// <summary><c>:07</c>: two digits, below sixty.</summary>
    private static bool TryPart(ref ReadOnlySpan<byte> cell, out long value)
    {
        value = 0;
        return Take(ref cell, ":"u8) && cell.Length >= 2 && char.IsAsciiDigit((char)cell[1]) && TryWhole(ref cell, 2, out value) && value < 60;
    }

    private static bool TryWhole(ref ReadOnlySpan<byte> cell, int most, out long value)
    {
        var digits = 0;
        value = 0;
        for (; digits < cell.Length && char.IsAsciiDigit((char)cell[digits]); digits++)
        {
            if (digits == most)
            {
                return false;
            }
            value = (value * 10) + (cell[digits] - '0');
        }
        cell = cell[digits..];
        return digits > 0;
    }

    private static bool Take(ref ReadOnlySpan<byte> cell, ReadOnlySpan<byte> text)
    {
        if (!cell.StartsWith(text))
        {
            return false;
        }
        cell = cell[text.Length..];
        return true;
    }
}

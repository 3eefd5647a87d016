using System.Text;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Reading;

/// <summary>A text that is a datetime, and in which orders of its parts it is one.</summary>
/// <param name="Orders">A bit for each <see cref="DateOrder"/> that reads it: all three where the year comes first or the month is a word.</param>
/// <param name="ShortYear">True for <c>31.01.26</c>.</param>
/// <param name="Zero">True for <c>0000-00-00</c>, which databases write for "none".</param>
internal readonly record struct TimeScan(int Orders, bool ShortYear, bool Zero);

/// <summary>
/// Reads a date with or without a time: ISO 8601, day or month first with any of <c>- / .</c> between them, months as words, twelve or
/// twenty-four hours, fractions to the nanosecond (kept to the microsecond), offsets, Z, UTC and GMT.
/// </summary>
internal static class TimeText
{
    private const int AllOrders = 7;

    private static readonly byte[][] Months =
        [.. new[] { "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec" }.Select(Encoding.ASCII.GetBytes)];

    private static readonly byte[][] MonthNames =
    [
        .. new[]
        {
            "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
        }.Select(Encoding.ASCII.GetBytes),
    ];

    private static readonly byte[][] Weekdays = [.. new[] { "mon", "tue", "wed", "thu", "fri", "sat", "sun" }.Select(Encoding.ASCII.GetBytes)];

    public static int BitOf(DateOrder order) => 1 << (int)order;

    /// <summary>Finds out whether a trimmed cell is a datetime. A zero date has no order.</summary>
    public static bool TryScan(ReadOnlySpan<byte> cell, out TimeScan scan)
    {
        scan = default;
        if (!TryParse(cell, out var parts))
        {
            return false;
        }
        if (parts.IsZero)
        {
            scan = new TimeScan(0, false, true);
            return true;
        }
        var orders = 0;
        foreach (var order in (ReadOnlySpan<DateOrder>)[DateOrder.Ymd, DateOrder.Dmy, DateOrder.Mdy])
        {
            orders |= parts.DateIn(order) is not null ? BitOf(order) : 0;
        }
        scan = new TimeScan(orders, parts.ShortYear, false);
        return orders != 0;
    }

    /// <param name="cell">A trimmed cell.</param>
    /// <param name="order">The column's.</param>
    /// <param name="microseconds">Since 1970, UTC; a text without an offset is taken as UTC.</param>
    public static bool TryRead(ReadOnlySpan<byte> cell, DateOrder order, out long microseconds)
    {
        microseconds = 0;
        if (!TryParse(cell, out var parts) || parts.DateIn(order) is not { } date)
        {
            return false;
        }
        var ticks = date.Ticks - DateTime.UnixEpoch.Ticks;
        microseconds = (ticks / TimeSpan.TicksPerMicrosecond) + parts.TimeOfDay - parts.Offset;
        return true;
    }

    /// <summary>True for a date of zeros only.</summary>
    public static bool IsZero(ReadOnlySpan<byte> cell) => cell[0] == (byte)'0' && TryParse(cell, out var parts) && parts.IsZero;

    private static bool TryParse(ReadOnlySpan<byte> text, out Parts parts)
    {
        parts = default;
        if (text.Length is < 6 or > 50)
        {
            return false;
        }
        SkipWeekday(ref text);
        return TryDate(ref text, ref parts) && TryTime(text, ref parts);
    }

    private static bool TryDate(ref ReadOnlySpan<byte> text, ref Parts parts)
    {
        if (text.IsEmpty)
        {
            return false;
        }
        if (!IsDigit(text[0]))
        {
            // Feb 3, 2024
            return TryMonth(ref text, out parts.MonthWord) && SkipBetween(ref text) && TryNumber(ref text, 1, 2, out parts.A, out _)
                && SkipBetween(ref text) && TryYear(ref text, ref parts.B, out parts.ShortYear);
        }
        if (!TryNumber(ref text, 1, 8, out parts.A, out var length))
        {
            return false;
        }
        if (length == 8)
        {
            (parts.B, parts.C) = (parts.A / 100 % 100, parts.A % 100);
            parts.A /= 10_000;
            parts.YearFirst = true;
            return true;
        }
        if (length is not (1 or 2 or 4) || text.IsEmpty)
        {
            return false;
        }
        parts.YearFirst = length == 4;
        var separator = text[0];
        if (separator is not ((byte)'-' or (byte)'/' or (byte)'.' or (byte)' ' or (byte)','))
        {
            return false;
        }
        if (!SkipBetween(ref text) || text.IsEmpty)
        {
            return false;
        }
        if (!IsDigit(text[0]))
        {
            // 3 Feb 2024, or 2024-Feb-03
            return TryMonth(ref text, out parts.MonthWord) && SkipBetween(ref text)
                && (parts.YearFirst ? TryNumber(ref text, 1, 2, out parts.B, out _) : TryYear(ref text, ref parts.B, out parts.ShortYear));
        }
        if (separator is (byte)' ' or (byte)',')
        {
            return false;
        }
        if (!TryNumber(ref text, 1, 2, out parts.B, out _) || text.IsEmpty || text[0] != separator)
        {
            return false;
        }
        text = text[1..];
        return parts.YearFirst ? TryNumber(ref text, 1, 2, out parts.C, out _) : TryYear(ref text, ref parts.C, out parts.ShortYear);
    }

    private static bool TryTime(ReadOnlySpan<byte> text, ref Parts parts)
    {
        if (text.IsEmpty)
        {
            return true;
        }
        if (text[0] is (byte)'T' or (byte)'t')
        {
            text = text[1..];
        }
        else
        {
            if (text[0] is not ((byte)' ' or (byte)','))
            {
                return false;
            }
            text = text.TrimStart(", "u8);
        }
        if (!TryNumber(ref text, 1, 2, out var hour, out _) || !TryTake(ref text, (byte)':') || !TryNumber(ref text, 2, 2, out var minute, out _))
        {
            return false;
        }
        int second = 0;
        long fraction = 0;
        if (TryTake(ref text, (byte)':'))
        {
            if (!TryNumber(ref text, 2, 2, out second, out _))
            {
                return false;
            }
            if ((TryTake(ref text, (byte)'.') || TryTake(ref text, (byte)',')) && !TryFraction(ref text, out fraction))
            {
                return false;
            }
        }
        if (!TryHalf(ref text, ref hour) || hour > 23 || minute > 59 || second > 59 || !TryOffset(text, out parts.Offset))
        {
            return false;
        }
        parts.TimeOfDay = ((((hour * 60L) + minute) * 60) + second) * 1_000_000 + fraction;
        return true;
    }

    /// <summary>AM and PM, with or without points.</summary>
    private static bool TryHalf(ref ReadOnlySpan<byte> text, ref int hour)
    {
        var rest = text.TrimStart((byte)' ');
        if (rest.IsEmpty || rest[0] is not ((byte)'A' or (byte)'a' or (byte)'P' or (byte)'p'))
        {
            return true;
        }
        var afternoon = rest[0] is (byte)'P' or (byte)'p';
        rest = rest[1..];
        TryTake(ref rest, (byte)'.');
        if (!TryTake(ref rest, (byte)'M') && !TryTake(ref rest, (byte)'m'))
        {
            return false;
        }
        TryTake(ref rest, (byte)'.');
        text = rest;
        if (hour is < 1 or > 12)
        {
            return false;
        }
        hour = (hour % 12) + (afternoon ? 12 : 0);
        return true;
    }

    private static bool TryOffset(ReadOnlySpan<byte> text, out long microseconds)
    {
        microseconds = 0;
        text = text.TrimStart((byte)' ');
        if (text.IsEmpty || Ascii.EqualsIgnoreCase(text, "z"u8) || Ascii.EqualsIgnoreCase(text, "utc"u8) || Ascii.EqualsIgnoreCase(text, "gmt"u8))
        {
            return true;
        }
        var sign = text[0] == (byte)'+' ? 1 : text[0] == (byte)'-' ? -1 : 0;
        text = text[1..];
        if (sign == 0 || text.Length < 2)
        {
            return false;
        }
        // +05, +05:30, and +0530 as strftime writes it.
        var hourDigits = text[..2];
        text = text[2..];
        TryTake(ref text, (byte)':');
        var minutes = 0;
        if (!TryNumber(ref hourDigits, 2, 2, out var hours, out _) || (!text.IsEmpty && !TryNumber(ref text, 2, 2, out minutes, out _)) || !text.IsEmpty
            || hours > 23 || minutes > 59)
        {
            return false;
        }
        microseconds = sign * ((hours * 60L) + minutes) * 60_000_000;
        return true;
    }

    private static bool TryFraction(ref ReadOnlySpan<byte> text, out long microseconds)
    {
        microseconds = 0;
        var digits = 0;
        while (!text.IsEmpty && IsDigit(text[0]))
        {
            microseconds = digits < 6 ? (microseconds * 10) + (text[0] - '0') : microseconds;
            digits++;
            text = text[1..];
        }
        for (var i = digits; i < 6; i++)
        {
            microseconds *= 10;
        }
        return digits is >= 1 and <= 9;
    }

    private static void SkipWeekday(ref ReadOnlySpan<byte> text)
    {
        if (IsDigit(text[0]) || text.Length < 3 || !Array.Exists(Weekdays, Starts(text)))
        {
            return;
        }
        var end = text.IndexOfAny((byte)' ', (byte)',');
        if (end is >= 3 and <= 9)
        {
            text = text[end..].TrimStart(", "u8);
        }
    }

    private static Predicate<byte[]> Starts(ReadOnlySpan<byte> text)
    {
        var start = text[..3].ToArray();
        return word => Ascii.EqualsIgnoreCase(start, word);
    }

    private static bool TryMonth(ref ReadOnlySpan<byte> text, out int month)
    {
        month = 0;
        var length = 0;
        while (length < text.Length && char.IsAsciiLetter((char)text[length]))
        {
            length++;
        }
        if (length < 3)
        {
            return false;
        }
        var word = text[..length];
        for (var i = 0; i < 12; i++)
        {
            if ((length == 3 && Ascii.EqualsIgnoreCase(word, Months[i])) || Ascii.EqualsIgnoreCase(word, MonthNames[i])
                || (i == 8 && Ascii.EqualsIgnoreCase(word, "sept"u8)))
            {
                month = i + 1;
                text = text[length..];
                TryTake(ref text, (byte)'.');
                return true;
            }
        }
        return false;
    }

    private static bool SkipBetween(ref ReadOnlySpan<byte> text)
    {
        var rest = text.TrimStart("-/., "u8);
        var skipped = text.Length - rest.Length;
        text = rest;
        return skipped is 1 or 2;
    }

    /// <summary>Four digits, or two: 69 to 99 are of the last century, as POSIX has it.</summary>
    private static bool TryYear(ref ReadOnlySpan<byte> text, ref int year, out bool isShort)
    {
        isShort = false;
        if (!TryNumber(ref text, 2, 4, out year, out var length) || length == 3)
        {
            return false;
        }
        isShort = length == 2;
        year += isShort ? year >= 69 ? 1900 : 2000 : 0;
        return true;
    }

    private static bool TryNumber(ref ReadOnlySpan<byte> text, int fewest, int most, out int number, out int length)
    {
        (number, length) = (0, 0);
        while (length < text.Length && IsDigit(text[length]))
        {
            if (length == most)
            {
                return false;
            }
            number = (number * 10) + (text[length] - '0');
            length++;
        }
        text = text[length..];
        return length >= fewest;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> text, byte wanted)
    {
        if (text.IsEmpty || text[0] != wanted)
        {
            return false;
        }
        text = text[1..];
        return true;
    }

    private static bool IsDigit(byte c) => c is >= (byte)'0' and <= (byte)'9';

    /// <summary>The numbers of a date as they stand.</summary>
    private struct Parts
    {
        public int A;
        public int B;
        public int C;
        /// <summary>The month where it is a word; then there are two numbers, day or year first.</summary>
        public int MonthWord;
        public bool YearFirst;
        public bool ShortYear;
        /// <summary>In microseconds.</summary>
        public long TimeOfDay;
        public long Offset;

        public readonly bool IsZero => MonthWord == 0 && A == 0 && B == 0 && (YearFirst ? C == 0 : C is 0 or 2000);

        public readonly DateTime? DateIn(DateOrder order)
        {
            var (year, month, day) = (MonthWord, YearFirst, order) switch
            {
                ( > 0, true, _) => (A, MonthWord, B),
                ( > 0, false, _) => (B, MonthWord, A),
                (_, true, _) => (A, B, C),
                (_, _, DateOrder.Dmy) => (C, B, A),
                (_, _, DateOrder.Mdy) => (C, A, B),
                _ => (0, 0, 0),
            };
            return year is >= 1 and <= 9999 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month)
                ? new DateTime(year, month, day, 0, 0, 0, DateTimeKind.Utc)
                : null;
        }
    }
}

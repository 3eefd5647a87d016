using System.Globalization;
using System.Text;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Reading;

/// <summary>A text that is a number in at least one format.</summary>
/// <param name="Formats">A bit for each <see cref="NumberFormat"/> that reads it.</param>
/// <param name="Digits">Its digits as a whole number; not meaningful where there are more than 18.</param>
/// <param name="DigitCount">How many digits.</param>
/// <param name="Fraction">Digits after the last separator, which is the decimal mark in <paramref name="AsDecimal"/>.</param>
/// <param name="AsDecimal">The formats in which the last separator is the decimal mark; in the others it separates groups.</param>
/// <param name="Traits">What else it shows.</param>
internal readonly record struct NumberScan(int Formats, long Digits, int DigitCount, int Fraction, int AsDecimal, NumberTraits Traits)
{
    public bool Has(NumberTraits trait) => (Traits & trait) != 0;
}

[Flags]
internal enum NumberTraits
{
    None = 0,
    Negative = 1,
    /// <summary>Digits only, but for a sign.</summary>
    Whole = 2,
    /// <summary><c>007</c>: a code rather than a number.</summary>
    LeadingZero = 4,
    /// <summary><c>10E2</c>: no mark, no sign in the exponent; a code or a number.</summary>
    BareExponent = 8,
    Exponent = 16,
    Percent = 32,
    Currency = 64,
    Infinite = 128,
    /// <summary>Hours, minutes and seconds: see <see cref="DurationText"/>.</summary>
    Duration = 512,
    /// <summary>Every reader of plain numbers reads it alike: sign, digits, a decimal point, an exponent.</summary>
    Plain = 256,
}

/// <summary>Reads numbers as people and programs write them: signs, groups of digits, decimal marks, exponents, per cent, currencies, (12.50) for
/// −12.50.</summary>
internal static class NumberText
{
    private const int Formats = 7;
    private const int All = (1 << Formats) - 1;

    /// <summary>Formats by decimal mark.</summary>
    private const int PointDecimal = (1 << (int)NumberFormat.Point) | (1 << (int)NumberFormat.CommaGroups) | (1 << (int)NumberFormat.SpaceGroupsPoint)
        | (1 << (int)NumberFormat.ApostropheGroups);

    private const int CommaDecimal = All & ~PointDecimal;

    /// <summary>Up to this many digits and places, digits divided by a power of ten are the nearest double (Clinger, 1990).</summary>
    private const int ExactDigits = 15;

    private static readonly double[] PowersOfTen = [.. Enumerable.Range(0, 23).Select(power => double.Parse($"1e{power}", CultureInfo.InvariantCulture))];

    private static readonly byte[][] Currencies =
        [.. new[] { "US$", "$", "€", "£", "¥", "₹", "USD", "EUR", "GBP", "CHF", "JPY", "kr", "zł", "Kč" }.Select(Encoding.UTF8.GetBytes)];

    public static int BitOf(NumberFormat format) => 1 << (int)format;

    /// <summary>Formats of a decimal mark.</summary>
    public static int BitsOf(char decimalMark) => decimalMark == ',' ? CommaDecimal : PointDecimal;

    /// <param name="cell">A trimmed cell.</param>
    /// <param name="format">The column's.</param>
    /// <param name="value">The number as it is written: 15.2% is 15.2.</param>
    public static bool TryRead(ReadOnlySpan<byte> cell, NumberFormat format, out double value)
    {
        if (!TryScan(cell, out var scan) || (scan.Formats & BitOf(format)) == 0)
        {
            value = double.NaN;
            return false;
        }
        value = ValueOf(cell, scan, format);
        return true;
    }

    /// <summary>Finds out in which formats a trimmed cell is a number.</summary>
    public static bool TryScan(ReadOnlySpan<byte> cell, out NumberScan scan)
    {
        scan = default;
        return !cell.IsEmpty && (IsDigit(cell[0]) || MayStart(cell[0]))
            && (TryScanPlain(cell, out scan) || TryScanFully(cell, out scan) || TryScanDuration(cell, out scan));
    }

    /// <summary>No format writes it in another way, so all of them read it.</summary>
    private static bool TryScanDuration(ReadOnlySpan<byte> cell, out NumberScan scan)
    {
        scan = new NumberScan(All, 0, 0, 0, All, NumberTraits.Duration);
        return DurationText.TryRead(cell, out _);
    }

    /// <summary>The full scan of a cell that may be a number.</summary>
    internal static bool TryScanFully(ReadOnlySpan<byte> cell, out NumberScan scan)
    {
        scan = default;
        // Infinity has no digit, but an F.
        if (!cell.ContainsAnyInRange((byte)'0', (byte)'9') && !cell.ContainsAny((byte)'f', (byte)'F'))
        {
            return false;
        }
        var traits = NumberTraits.None;
        var core = cell;
        if (cell[0] is not (>= (byte)'0' and <= (byte)'9') || cell[^1] is not (>= (byte)'0' and <= (byte)'9'))
        {
            core = Core(cell, ref traits);
            if (core.IsEmpty)
            {
                return false;
            }
            if (Ascii.EqualsIgnoreCase(core, "inf"u8) || Ascii.EqualsIgnoreCase(core, "infinity"u8))
            {
                scan = new NumberScan(All, 0, 0, 0, All, traits | NumberTraits.Infinite);
                return true;
            }
        }
        if (!TryScanCore(core, traits, out scan))
        {
            return false;
        }
        // A plus, brackets, a currency: not every reader takes them.
        if (core.Length != cell.Length && (core.Length != cell.Length - 1 || cell[0] != (byte)'-'))
        {
            scan = scan with { Traits = scan.Traits & ~NumberTraits.Plain };
        }
        return true;
    }

    /// <summary>
    /// <c>-12</c> and <c>3.75</c>, as most numbers are, in a quarter of the time that the full scan takes to the same end. False: the full scan is to say.
    /// </summary>
    internal static bool TryScanPlain(ReadOnlySpan<byte> cell, out NumberScan scan)
    {
        scan = default;
        var start = cell[0] == (byte)'-' ? 1 : 0;
        var point = -1;
        long digits = 0;
        if (cell.Length - start > 18)
        {
            return false;
        }
        for (var i = start; i < cell.Length; i++)
        {
            var digit = (uint)(cell[i] - '0');
            if (digit <= 9)
            {
                digits = (digits * 10) + digit;
            }
            else if (cell[i] == (byte)'.' && point < 0)
            {
                point = i;
            }
            else
            {
                return false;
            }
        }
        var traits = NumberTraits.Plain | (start > 0 ? NumberTraits.Negative : NumberTraits.None);
        var whole = (point < 0 ? cell.Length : point) - start;
        if (whole == 0 || (cell[start] == (byte)'0' && whole > 1))
        {
            return false;
        }
        if (point < 0)
        {
            scan = new NumberScan(All, digits, whole, 0, All, traits | NumberTraits.Whole);
            return true;
        }
        var fraction = cell.Length - point - 1;
        var mayBeGroups = fraction == 3 && whole <= 3 && cell[start] != (byte)'0';
        scan = new NumberScan(
            mayBeGroups ? PointDecimal | BitOf(NumberFormat.PointGroups) : PointDecimal, digits, whole + fraction, fraction, PointDecimal, traits);
        return fraction > 0;
    }

    public static double ValueOf(ReadOnlySpan<byte> cell, NumberScan scan, NumberFormat format)
    {
        var negative = scan.Has(NumberTraits.Negative);
        if (scan.Has(NumberTraits.Infinite))
        {
            return negative ? double.NegativeInfinity : double.PositiveInfinity;
        }
        if (scan.Has(NumberTraits.Duration))
        {
            return DurationText.TryRead(cell, out var seconds) ? seconds : double.NaN;
        }
        var places = (scan.AsDecimal & BitOf(format)) != 0 ? scan.Fraction : 0;
        if (scan.DigitCount <= ExactDigits && !scan.Has(NumberTraits.Exponent))
        {
            var exact = places == 0 ? scan.Digits : scan.Digits / PowersOfTen[places];
            return negative ? -exact : exact;
        }
        return Slow(cell, places, negative);
    }

    /// <summary>The text without what a number does not need: sign, currency, per cent, brackets.</summary>
    private static ReadOnlySpan<byte> Core(ReadOnlySpan<byte> cell, scoped ref NumberTraits traits)
    {
        var core = cell;
        if (core[0] == (byte)'(' && core[^1] == (byte)')')
        {
            traits |= NumberTraits.Negative;
            core = CellText.Trim(core[1..^1]);
        }
        core = Sign(core, ref traits);
        core = Currency(core, ref traits);
        if (!core.IsEmpty && core[^1] == (byte)'%')
        {
            traits |= NumberTraits.Percent;
            core = CellText.Trim(core[..^1]);
        }
        return core.IsEmpty ? core : Sign(core, ref traits);
    }

    private static ReadOnlySpan<byte> Sign(ReadOnlySpan<byte> core, scoped ref NumberTraits traits)
    {
        if (core.IsEmpty)
        {
            return core;
        }
        if (core[0] == (byte)'+')
        {
            return core[1..];
        }
        var minus = core[0] == (byte)'-' ? 1 : core.StartsWith("\u2212"u8) ? 3 : 0;
        if (minus == 0)
        {
            return core;
        }
        // Two signs are no number.
        if ((traits & NumberTraits.Negative) != 0)
        {
            return default;
        }
        traits |= NumberTraits.Negative;
        return core[minus..];
    }

    /// <summary>The currency of a number that has one, as it is written.</summary>
    public static byte[]? CurrencyOf(ReadOnlySpan<byte> cell)
    {
        foreach (var currency in Currencies)
        {
            if (cell.IndexOf(currency) >= 0)
            {
                return currency;
            }
        }
        return null;
    }

    private static ReadOnlySpan<byte> Currency(ReadOnlySpan<byte> core, scoped ref NumberTraits traits)
    {
        foreach (var currency in Currencies)
        {
            if (core.StartsWith(currency))
            {
                traits |= NumberTraits.Currency;
                return CellText.Trim(core[currency.Length..]);
            }
            if (core.EndsWith(currency))
            {
                traits |= NumberTraits.Currency;
                return CellText.Trim(core[..^currency.Length]);
            }
        }
        return core;
    }

    private static bool TryScanCore(ReadOnlySpan<byte> core, NumberTraits traits, out NumberScan scan)
    {
        scan = default;
        var shape = new Separators();
        long digits = 0;
        int count = 0, run = 0, i = 0;
        for (; i < core.Length; i++)
        {
            var c = core[i];
            if (c is >= (byte)'0' and <= (byte)'9')
            {
                digits = count < 18 ? (digits * 10) + (c - '0') : digits;
                count++;
                run++;
                continue;
            }
            if (c is (byte)'e' or (byte)'E')
            {
                break;
            }
            var (separator, length) = SeparatorAt(core, i);
            if (separator == 0 || !shape.Add(separator, run))
            {
                return false;
            }
            run = 0;
            i += length - 1;
        }
        if (count == 0)
        {
            return false;
        }
        var whole = shape.Count == 0;
        var exponent = i < core.Length;
        if (exponent)
        {
            if (!IsExponent(core[(i + 1)..]) || shape.Count > 1)
            {
                return false;
            }
            traits |= NumberTraits.Exponent;
            if (whole && core[i + 1] is not ((byte)'+' or (byte)'-'))
            {
                traits |= NumberTraits.BareExponent;
            }
        }
        var startsWithZero = core[0] == (byte)'0';
        var asDecimal = whole ? All : shape.AsDecimal(startsWithZero);
        var asGroups = whole || exponent ? 0 : shape.AsGroups(startsWithZero, run);
        if ((asDecimal | asGroups) == 0)
        {
            return false;
        }
        if (whole && !exponent)
        {
            traits |= NumberTraits.Whole;
        }
        if (startsWithZero && (whole ? run : shape.First) > 1)
        {
            traits |= NumberTraits.LeadingZero;
        }
        if ((whole || shape is { Count: 1, Last: (byte)'.', First: > 0 }) && run > 0 && count <= 300)
        {
            traits |= NumberTraits.Plain;
        }
        scan = new NumberScan(asDecimal | asGroups, digits, count, whole ? 0 : run, asDecimal, traits);
        return true;
    }

    /// <summary>The separators of a number, from left to right, and how many digits stand between them.</summary>
    private struct Separators
    {
        private byte before;
        private bool threes;
        private bool twos;
        private int lastMiddle;

        public int Count { get; private set; }

        /// <summary>Digits before the first one.</summary>
        public int First { get; private set; }

        public byte Last { get; private set; }

        /// <summary>Takes the next one. False: no number has these.</summary>
        /// <param name="separator">The separator.</param>
        /// <param name="run">Digits since the one before.</param>
        public bool Add(byte separator, int run)
        {
            if (Count == 0)
            {
                (First, threes, twos) = (run, true, true);
            }
            else
            {
                twos &= Count == 1 || lastMiddle == 2;
                threes &= run == 3;
                lastMiddle = run;
                // Only the last separator may be another one.
                if (Count > 1 && before != Last)
                {
                    return false;
                }
                before = Last;
            }
            Last = separator;
            Count++;
            return true;
        }

        /// <summary>The formats in which the last separator is the decimal mark.</summary>
        public readonly int AsDecimal(bool startsWithZero)
        {
            var marks = Last switch
            {
                (byte)'.' => PointDecimal,
                (byte)',' => CommaDecimal,
                _ => 0,
            };
            if (Count == 1)
            {
                return marks;
            }
            return before != Last && First is >= 1 and <= 3 && !startsWithZero && lastMiddle == 3 && (threes || (twos && First <= 2 && before == (byte)','))
                ? marks & GroupedBy(before)
                : 0;
        }

        /// <summary>The formats in which all of them stand between groups.</summary>
        public readonly int AsGroups(bool startsWithZero, int lastRun)
        {
            if (First is < 1 or > 3 || startsWithZero || lastRun != 3 || (Count > 1 && before != Last))
            {
                return 0;
            }
            // 12,34,567: in India groups have two digits but for the last.
            var indian = Last == (byte)',' && First <= 2 && twos && lastMiddle == 2;
            return threes || indian ? GroupedBy(Last) : 0;
        }
    }

    private static int GroupedBy(byte separator) => separator switch
    {
        (byte)',' => BitOf(NumberFormat.CommaGroups),
        (byte)'.' => BitOf(NumberFormat.PointGroups),
        (byte)' ' => BitOf(NumberFormat.SpaceGroups) | BitOf(NumberFormat.SpaceGroupsPoint),
        (byte)'\'' => BitOf(NumberFormat.ApostropheGroups),
        _ => 0,
    };

    /// <summary>The separator at a place and its length in bytes; all kinds of spaces are one, and so are both apostrophes.</summary>
    private static (byte Separator, int Length) SeparatorAt(ReadOnlySpan<byte> core, int i) => core[i] switch
    {
        (byte)'.' => ((byte)'.', 1),
        (byte)',' => ((byte)',', 1),
        (byte)' ' => ((byte)' ', 1),
        (byte)'\'' => ((byte)'\'', 1),
        0xc2 when core[i..].StartsWith("\u00a0"u8) => ((byte)' ', 2),
        0xe2 when core[i..].StartsWith("\u202f"u8) || core[i..].StartsWith("\u2009"u8) => ((byte)' ', 3),
        0xe2 when core[i..].StartsWith("\u2019"u8) => ((byte)'\'', 3),
        _ => (0, 0),
    };

    private static bool IsExponent(ReadOnlySpan<byte> text)
    {
        var digits = text is [(byte)'+' or (byte)'-', ..] ? text[1..] : text;
        return digits.Length is > 0 and <= 5 && digits.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;
    }

    private static bool IsDigit(byte c) => c is >= (byte)'0' and <= (byte)'9';

    /// <summary>What may stand before a number's first digit.</summary>
    private static bool MayStart(byte c) =>
        c is (byte)'-' or (byte)'+' or (byte)'.' or (byte)',' or (byte)'(' or (byte)'$' or (byte)'i' or (byte)'I'
            or (byte)'U' or (byte)'E' or (byte)'G' or (byte)'C' or (byte)'J' or (byte)'k' or (byte)'z' or (byte)'K' or 0xe2 or 0xc2;

    /// <summary>Many digits, or an exponent: .NET's own parser rounds them to the nearest double.</summary>
    private static double Slow(ReadOnlySpan<byte> cell, int places, bool negative)
    {
        var text = new StringBuilder(cell.Length);
        var digits = 0;
        var tail = 0;
        for (var i = 0; i < cell.Length && tail == 0; i++)
        {
            if (cell[i] is >= (byte)'0' and <= (byte)'9')
            {
                text.Append((char)cell[i]);
                digits++;
            }
            else if (digits > 0 && cell[i] is (byte)'e' or (byte)'E')
            {
                tail = i;
            }
        }
        // A mark without digits before it: .5e3
        if (places > 0)
        {
            text.Insert(digits - places, '.');
        }
        if (tail > 0)
        {
            foreach (var c in cell[tail..])
            {
                if (c is (byte)'%' or (byte)')' or (byte)' ')
                {
                    break;
                }
                text.Append((char)c);
            }
        }
        var value = double.Parse(text.ToString(), NumberStyles.Float, CultureInfo.InvariantCulture);
        return negative ? -value : value;
    }
}

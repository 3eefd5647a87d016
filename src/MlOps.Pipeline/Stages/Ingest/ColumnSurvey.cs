using System.Buffers;
using System.IO.Hashing;
using System.Runtime.CompilerServices;
using System.Text;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>What all cells of a column look like: counted over the whole file, nothing decided.</summary>
/// <param name="declaredNulls">Texts that the definition declares to mean "no value", in UTF-8; null: none declared.</param>
internal sealed class ColumnSurvey(byte[][]? declaredNulls)
{
    /// <summary>Cells whose different values are counted exactly: enough to tell a category from an id.</summary>
    private const int MostSampled = 10_000;

    /// <summary>What a number begins with.</summary>
    private static readonly SearchValues<byte> Starts = SearchValues.Create("0123456789+-"u8);

    private static readonly int PointMarks = NumberText.BitsOf('.');

    private static readonly int CommaMarks = NumberText.BitsOf(',');

    private static readonly int AmbiguousOrders = TimeText.BitOf(DateOrder.Dmy) | TimeText.BitOf(DateOrder.Mdy);

    private readonly long[] byFormats = new long[128];
    private readonly long[] byOrders = new long[8];
    private readonly long[] nulls = new long[Reading.NullTexts.Count];
    private readonly long[] nullLines = new long[Reading.NullTexts.Count];
    private readonly List<Sample> samples = [];
    private readonly SurveyedMarks currencies = new();
    private readonly SurveyedMarks units = new();
    private ulong wholeHashes;
    private int? different;

    /// <summary>True where the header leaves the column without a name.</summary>
    public bool IsUnnamed { get; init; }

    /// <summary>Cells with anything in them.</summary>
    public long Cells { get; private set; }

    public long Blank { get; private set; }

    /// <summary>Cells that the definition declares to have no value; they count as nothing else.</summary>
    public long DeclaredNulls { get; private set; }

    /// <summary>True where cells hold nothing but blanks.</summary>
    public bool HasBlanks { get; private set; }

    /// <summary>True where blanks stand around cells.</summary>
    public bool IsPadded { get; private set; }

    public long Numbers { get; private set; }

    /// <summary>Numbers that every reader reads alike: <c>-12.5e3</c>.</summary>
    public long Plain { get; private set; }

    public long Whole { get; private set; }

    /// <summary>Whole numbers whose eight digits are a date of 1900 to 2099, the year first: <c>20200616</c>.</summary>
    public long CompactDates { get; private set; }

    public long LeadingZeros { get; private set; }

    /// <summary>Numbers such as <c>10E2</c>.</summary>
    public long BareExponents { get; private set; }

    public long Percents { get; private set; }

    /// <summary>The first of them.</summary>
    public SurveyedCell? Percent { get; private set; }

    public long Currencies { get; private set; }

    /// <summary>The first of them.</summary>
    public SurveyedCell? Currency { get; private set; }

    public long Durations { get; private set; }

    /// <summary>The first of them.</summary>
    public SurveyedCell? Duration { get; private set; }

    /// <summary>Each currency that amounts are in, the first one first.</summary>
    public IReadOnlyList<SurveyedMark> CurrenciesFound => currencies.Found;

    /// <summary>What stands beside numbers and dates, which are none for it: <c>km</c> of <c>12 km</c>. The first one first.</summary>
    public IReadOnlyList<SurveyedMark> Units => units.Found;

    /// <summary>True where the first of <see cref="Units"/> stands beside a date.</summary>
    public bool AreUnitsOfDates { get; private set; }

    /// <summary>Two numbers with a colon between, which may be hours or minutes: <c>13:45</c>.</summary>
    public long Clocks { get; private set; }

    /// <summary>The first of them.</summary>
    public SurveyedCell? Clock { get; private set; }

    /// <summary>Texts that look like dates with words that are no English names of months.</summary>
    public long WordedDates { get; private set; }

    /// <summary>The first of them.</summary>
    public SurveyedCell? WordedDate { get; private set; }

    /// <summary>Whole numbers that a double cannot tell from their neighbours.</summary>
    public long BeyondDouble { get; private set; }

    /// <summary>The first of them.</summary>
    public SurveyedCell? Large { get; private set; }

    public long Smallest { get; private set; } = long.MaxValue;

    public long Largest { get; private set; } = long.MinValue;

    /// <summary>Dates whose year has two digits.</summary>
    public long ShortYears { get; private set; }

    public long Dates { get; private set; }

    public long ZeroDates { get; private set; }

    /// <summary>Dates with points between their parts.</summary>
    public long DottedDates { get; private set; }

    /// <summary><c>true</c> and <c>false</c>.</summary>
    public long Booleans { get; private set; }

    /// <summary>Cells that are a text that may mean "no value".</summary>
    public long NullTexts { get; private set; }

    /// <summary>Cells that are nothing but words.</summary>
    public long Words { get; private set; }

    /// <summary>The first cells, which are looked at more closely.</summary>
    public long Sampled => samples.Count;

    /// <summary>Different values among them.</summary>
    public int Different => different ??= samples.Select(sample => sample.Hash).ToHashSet().Count;

    /// <summary>Their length, in bytes.</summary>
    public double AverageLength => samples.Count == 0 ? 0 : samples.Average(sample => (double)sample.Length);

    /// <summary>Those with a blank within.</summary>
    public long Spaced => samples.Count(sample => sample.IsSpaced);

    /// <summary>True where the whole numbers are those of a range, each once, in any order.</summary>
    public bool CountsUp => Whole > 0 && Whole == Cells && (Int128)Largest - Smallest == Whole - 1 && wholeHashes == HashesOf(Smallest, Largest);

    /// <summary>Numbers that a format reads.</summary>
    public long NumbersIn(int formatBit) => Count(byFormats, formatBit);

    /// <summary>Numbers that formats with one decimal mark read, and none with the other: <c>12.5</c> of those with a point.</summary>
    public long NumbersOnlyIn(int formatBits, int otherBits)
    {
        var sum = 0L;
        for (var mask = 0; mask < byFormats.Length; mask++)
        {
            sum += (mask & formatBits) != 0 && (mask & otherBits) == 0 ? byFormats[mask] : 0;
        }
        return sum;
    }

    /// <summary>Dates that an order reads.</summary>
    public long DatesIn(int orderBit) => Count(byOrders, orderBit);

    /// <summary>How often a text that may mean "no value" stands there, by its index.</summary>
    public long NullsOf(int index) => nulls[index];

    /// <summary>Line of the first of them.</summary>
    public long NullLineOf(int index) => nullLines[index];

    /// <summary>The first number with a separator; null: there is none.</summary>
    public SurveyedCell? Separated { get; private set; }

    /// <summary>The first number that only a decimal point explains; null: there is none.</summary>
    public SurveyedCell? WithPoint { get; private set; }

    /// <summary>The first number that only a decimal comma explains; null: there is none.</summary>
    public SurveyedCell? WithComma { get; private set; }

    /// <summary>The first code: a number with leading zeros, or with an E among its digits.</summary>
    public SurveyedCell? Code { get; private set; }

    /// <summary>The first date that another order reads as another day.</summary>
    public SurveyedCell? Ambiguous { get; private set; }

    /// <summary>The first date that only has a meaning with the day first; null: there is none.</summary>
    public SurveyedCell? DayFirst { get; private set; }

    /// <summary>The first date that only has a meaning with the month first; null: there is none.</summary>
    public SurveyedCell? MonthFirst { get; private set; }

    /// <summary>The first text that is no number, date or boolean, nor may mean "no value".</summary>
    public SurveyedCell? Word { get; private set; }

    /// <summary>The first number.</summary>
    public SurveyedCell? Number { get; private set; }

    /// <summary>True while each cell is kept to be looked at more closely: such a one must be added by itself.</summary>
    public bool IsSampling => Cells < MostSampled;

    /// <param name="raw">The cell.</param>
    /// <param name="line">Where it is, from 1; where such a cell was added before, it does not matter.</param>
    /// <param name="times">How often it is there.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(ReadOnlySpan<byte> raw, long line, long times = 1)
    {
        var cell = CellText.Trim(raw);
        if (cell.IsEmpty)
        {
            Blank += times;
            HasBlanks |= raw.Length > 0;
            return;
        }
        IsPadded |= cell.Length != raw.Length;
        if (declaredNulls is not null && Reading.NullTexts.Contains(declaredNulls, cell))
        {
            DeclaredNulls += times;
            return;
        }
        if (IsSampling)
        {
            samples.Add(new Sample(XxHash3.HashToUInt64(cell), cell.Length, cell.Contains((byte)' ')));
        }
        Cells += times;
        if (NumberText.TryScan(cell, out var number))
        {
            AddNumber(number, cell, line, times);
        }
        else
        {
            AddText(cell, line, times);
        }
    }

    /// <summary>Adds what was counted over the rows that follow.</summary>
    /// <param name="next">A survey of the same column.</param>
    /// <param name="lines">Lines of the text before those rows, which <paramref name="next"/> counts from 1.</param>
    public void Add(ColumnSurvey next, long lines)
    {
        for (var i = 0; i < nulls.Length; i++)
        {
            nullLines[i] = nulls[i] > 0 ? nullLines[i] : next.nullLines[i] + lines;
        }
        Sum(nulls, next.nulls);
        Sum(byFormats, next.byFormats);
        Sum(byOrders, next.byOrders);
        samples.AddRange(next.samples.Take(MostSampled - samples.Count));
        wholeHashes += next.wholeHashes;
        Smallest = Math.Min(Smallest, next.Smallest);
        Largest = Math.Max(Largest, next.Largest);
        HasBlanks |= next.HasBlanks;
        IsPadded |= next.IsPadded;
        Cells += next.Cells;
        Blank += next.Blank;
        DeclaredNulls += next.DeclaredNulls;
        Numbers += next.Numbers;
        Plain += next.Plain;
        Whole += next.Whole;
        CompactDates += next.CompactDates;
        LeadingZeros += next.LeadingZeros;
        BareExponents += next.BareExponents;
        Percents += next.Percents;
        Currencies += next.Currencies;
        Durations += next.Durations;
        AreUnitsOfDates = units.Found.Count > 0 ? AreUnitsOfDates : next.AreUnitsOfDates;
        currencies.Add(next.currencies, lines);
        units.Add(next.units, lines);
        Clocks += next.Clocks;
        WordedDates += next.WordedDates;
        BeyondDouble += next.BeyondDouble;
        ShortYears += next.ShortYears;
        Dates += next.Dates;
        ZeroDates += next.ZeroDates;
        DottedDates += next.DottedDates;
        Booleans += next.Booleans;
        NullTexts += next.NullTexts;
        Words += next.Words;
        Percent ??= next.Percent?.After(lines);
        Currency ??= next.Currency?.After(lines);
        Duration ??= next.Duration?.After(lines);
        Clock ??= next.Clock?.After(lines);
        WordedDate ??= next.WordedDate?.After(lines);
        Large ??= next.Large?.After(lines);
        WithPoint ??= next.WithPoint?.After(lines);
        WithComma ??= next.WithComma?.After(lines);
        Separated ??= next.Separated?.After(lines);
        Code ??= next.Code?.After(lines);
        Ambiguous ??= next.Ambiguous?.After(lines);
        DayFirst ??= next.DayFirst?.After(lines);
        MonthFirst ??= next.MonthFirst?.After(lines);
        Word ??= next.Word?.After(lines);
        Number ??= next.Number?.After(lines);
    }

    private void AddNumber(in NumberScan number, ReadOnlySpan<byte> cell, long line, long times)
    {
        const long LargestExact = 1L << 53;
        Numbers += times;
        Number ??= SurveyedCell.Of(cell, line);
        byFormats[number.Formats] += times;
        Plain += number.Has(NumberTraits.Plain) ? times : 0;
        if (number.Has(NumberTraits.Whole))
        {
            Whole += times;
            var value = number.Has(NumberTraits.Negative) ? -number.Digits : number.Digits;
            if (number.DigitCount > 18 || number.Digits > LargestExact)
            {
                BeyondDouble += times;
                Large ??= SurveyedCell.Of(cell, line);
            }
            Smallest = Math.Min(Smallest, value);
            Largest = Math.Max(Largest, value);
            wholeHashes += Mix(value) * (ulong)times;
            CompactDates += number.DigitCount == 8 && IsDate(value) ? times : 0;
        }
        else
        {
            Separated ??= SurveyedCell.Of(cell, line);
            AddMark(number, cell, line);
        }
        if ((number.Traits & ~(NumberTraits.Plain | NumberTraits.Whole | NumberTraits.Negative)) == 0)
        {
            return;
        }
        if (number.Has(NumberTraits.LeadingZero | NumberTraits.BareExponent))
        {
            Code ??= SurveyedCell.Of(cell, line);
        }
        LeadingZeros += number.Has(NumberTraits.LeadingZero) ? times : 0;
        BareExponents += number.Has(NumberTraits.BareExponent) ? times : 0;
        if (number.Has(NumberTraits.Percent))
        {
            Percents += times;
            Percent ??= SurveyedCell.Of(cell, line);
        }
        if (number.Has(NumberTraits.Currency))
        {
            Currencies += times;
            Currency ??= SurveyedCell.Of(cell, line);
            currencies.Add(NumberText.CurrencyOf(cell), cell, line, times);
        }
        if (number.Has(NumberTraits.Duration))
        {
            Durations += times;
            Duration ??= SurveyedCell.Of(cell, line);
        }
    }

    private void AddMark(in NumberScan number, ReadOnlySpan<byte> cell, long line)
    {
        var (point, comma) = ((number.Formats & PointMarks) != 0, (number.Formats & CommaMarks) != 0);
        if (point && !comma)
        {
            WithPoint ??= SurveyedCell.Of(cell, line);
        }
        else if (comma && !point)
        {
            WithComma ??= SurveyedCell.Of(cell, line);
        }
    }

    private void AddText(ReadOnlySpan<byte> cell, long line, long times)
    {
        if (Reading.NullTexts.IndexOf(cell) is >= 0 and var index)
        {
            nullLines[index] = nulls[index] == 0 ? line : nullLines[index];
            nulls[index] += times;
            NullTexts += times;
        }
        else if (BooleanText.IsWord(cell))
        {
            Booleans += times;
        }
        else if (TimeText.TryScan(cell, out var time))
        {
            ZeroDates += time.Zero ? times : 0;
            ShortYears += time.ShortYear ? times : 0;
            Dates += time.Zero ? 0 : times;
            DottedDates += cell.Length > 2 && (cell[1] == (byte)'.' || cell[2] == (byte)'.') ? times : 0;
            byOrders[time.Orders] += times;
            if (time.Orders == AmbiguousOrders)
            {
                Ambiguous ??= SurveyedCell.Of(cell, line);
            }
            else if (time.Orders == TimeText.BitOf(DateOrder.Dmy))
            {
                DayFirst ??= SurveyedCell.Of(cell, line);
            }
            else if (time.Orders == TimeText.BitOf(DateOrder.Mdy))
            {
                MonthFirst ??= SurveyedCell.Of(cell, line);
            }
        }
        else
        {
            Words += times;
            Word ??= SurveyedCell.Of(cell, line);
            if (Ingest.WordedDate.Is(cell))
            {
                WordedDates += times;
                WordedDate ??= SurveyedCell.Of(cell, line);
                return;
            }
            AddUnit(cell, line, times);
        }
    }

    /// <summary>Counts numbers and dates that have something beside them, such as <c>12 km</c>, <c>~12</c> or Excel's <c>="12"</c>.</summary>
    private void AddUnit(ReadOnlySpan<byte> cell, long line, long times)
    {
        const int Longest = 12;
        var (first, last) = (cell.IndexOfAny(Starts), cell.LastIndexOfAnyInRange((byte)'0', (byte)'9'));
        if (first < 0 || last < first || cell.Length - last > Longest || (first > 0 && !UnitText.IsBefore(cell[..first])))
        {
            return;
        }
        var core = cell[first..(last + 1)];
        var behind = CellText.Trim(cell[(last + 1)..]);
        if (IsClock(core) && first == 0 && UnitText.IsHalfOfADay(behind))
        {
            Clocks += times;
            Clock ??= SurveyedCell.Of(cell, line);
            return;
        }
        var isDate = TimeText.TryScan(core, out _);
        if (isDate || NumberText.TryScan(core, out _))
        {
            AreUnitsOfDates |= units.Found.Count == 0 && isDate;
            units.Add(UnitText.Of(cell[..first], behind), cell, line, times);
        }
    }

    /// <summary>Two or one digits, a colon, two digits.</summary>
    private static bool IsClock(ReadOnlySpan<byte> text) =>
        text.Length is 4 or 5 && text[^3] == (byte)':' && text[..^3].IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0
            && text[^2..].IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0;

    private static bool IsDate(long digits)
    {
        var (year, month, day) = ((int)(digits / 10_000), (int)(digits / 100 % 100), (int)(digits % 100));
        return year is >= 1900 and < 2100 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month);
    }

    private static void Sum(long[] counts, long[] more)
    {
        for (var i = 0; i < counts.Length; i++)
        {
            counts[i] += more[i];
        }
    }

    private static long Count(long[] counts, int bit)
    {
        var sum = 0L;
        for (var mask = 0; mask < counts.Length; mask++)
        {
            sum += (mask & bit) != 0 ? counts[mask] : 0;
        }
        return sum;
    }

    private static ulong HashesOf(long from, long to)
    {
        var sum = 0UL;
        for (var value = from; value <= to; value++)
        {
            sum += Mix(value);
        }
        return sum;
    }

    private readonly record struct Sample(ulong Hash, int Length, bool IsSpaced);

    /// <summary>The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).</summary>
    private static ulong Mix(long value)
    {
        var z = (ulong)value + 0x9E3779B97F4A7C15UL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}

/// <summary>A cell to show to the user.</summary>
/// <param name="Text">As it stands in the file, shortened.</param>
/// <param name="Line">Where, from 1.</param>
internal sealed record SurveyedCell(string Text, long Line)
{
    /// <summary>As an example of how a column is written.</summary>
    public ColumnExample Of(string column) => new(column, Text, Line > 0 ? Line : null);

    /// <summary>The same cell, counted from a line further up.</summary>
    public SurveyedCell After(long lines) => this with { Line = Line + lines };

    public static SurveyedCell Of(ReadOnlySpan<byte> cell, long line) => new(Shorten(Encoding.UTF8.GetString(cell)), line);

    public static string Shorten(string text) => Contracts.Warning.Shorten(text);

    /// <summary>As part of a sentence.</summary>
    public override string ToString() => Line > 0 ? $"line {Line}: '{Text}'" : $"'{Text}'";
}

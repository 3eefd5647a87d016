using System.Runtime.CompilerServices;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>What a record is, compared with the header.</summary>
internal enum RecordState
{
    Whole,
    /// <summary>It has another number of cells than the header.</summary>
    Ragged,
}

/// <summary>Lines of a text, read by themselves.</summary>
/// <param name="Start">Where they start, in bytes.</param>
/// <param name="Length">Bytes of them.</param>
/// <param name="IsLast">Whether no text follows.</param>
internal readonly record struct TextPart(long Start, long Length, bool IsLast)
{
    public static TextPart Whole { get; } = new(0, long.MaxValue, true);
}

/// <summary>
/// Splits a CSV text into records and cells, as RFC 4180 has it where the text does. Where it does not, a quote that neither opens nor closes a
/// cell is a character like any other, blanks around cells do not count but within quotes, lines may end in several ways, and a line that a stray
/// quote would swallow is kept apart. Libraries either refuse such files or lose rows without telling; here every record is counted, with its line.
/// </summary>
internal sealed class CsvRecords : IDisposable
{
    private const int FirstBuffer = 1 << 18;

    private readonly Stream content;
    private readonly CsvDialect dialect;
    private readonly int expected;
    private readonly bool carriageReturns;
    private readonly bool quotes;
    private readonly bool isLast;
    private readonly InputLimits limits;
    private readonly CancellationToken cancel;
    private long left;
    private byte[] buffer = new byte[FirstBuffer];
    private int start;
    private int end;
    private bool atEnd;
    private Cell[] cells = new Cell[64];
    private byte[] unescaped = new byte[256];
    private int unescapedLength;
    private long nextLine = 1;

    /// <param name="content">UTF-8 text; its byte order mark is skipped.</param>
    /// <param name="dialect">How it is written.</param>
    /// <param name="expected">Cells of a record; 0: as many as there are.</param>
    /// <param name="quotes">False where it is known that the text has no quotes.</param>
    /// <param name="carriageReturns">True where carriage returns stand alone among other line ends.</param>
    /// <param name="part">The lines to read; null: all.</param>
    /// <param name="limits">How long a record may be.</param>
    /// <param name="cancel">Stops the reading, which throws then.</param>
    /// <exception cref="InputException">A record is longer than it may be.</exception>
    public CsvRecords(
        Stream content, CsvDialect dialect, int expected = 0, bool quotes = true, bool carriageReturns = false, TextPart? part = null,
        InputLimits? limits = null, CancellationToken cancel = default)
    {
        (this.limits, this.cancel) = (limits ?? new InputLimits(), cancel);
        var (from, length, last) = part ?? TextPart.Whole;
        (this.content, this.dialect, this.expected, this.quotes, this.carriageReturns) = (content, dialect, expected, quotes, carriageReturns);
        (isLast, left) = (last, length);
        if (from > 0)
        {
            content.Position = from;
        }
        Fill();
        if (from == 0 && buffer.AsSpan(0, end).StartsWith("\ufeff"u8))
        {
            start = 3;
        }
        for (var i = 0; i < dialect.Preamble && from == 0; i++)
        {
            SkipLine();
        }
    }

    /// <summary>Cells of the record.</summary>
    public int Count { get; private set; }

    /// <summary>Line of the text, or of its part, on which the record starts, from 1.</summary>
    public long Line { get; private set; }

    /// <summary>Lines that were read.</summary>
    public long Lines => nextLine - 1;

    public RecordState State { get; private set; }

    /// <summary>Bytes of the record with its line end.</summary>
    public int Length { get; private set; }

    /// <summary>True once anything was met that readers of RFC 4180 may read in another way.</summary>
    public bool IsOdd { get; private set; }

    /// <summary>True once a quote was met that neither opens nor closes a cell: blanks around cells, blank lines and ragged records do not make one.</summary>
    public bool HasStrayQuotes { get; private set; }

    /// <summary>A cell without its quotes.</summary>
    public ReadOnlySpan<byte> this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            var cell = cells[index];
            return cell.Start >= 0 ? buffer.AsSpan(cell.Start, cell.Length) : unescaped.AsSpan(~cell.Start, cell.Length);
        }
    }

    /// <summary>Reads the next record; false at the end.</summary>
    public bool Read()
    {
        while (true)
        {
            if (start >= end && !Fill())
            {
                return false;
            }
            var line = LineAt(start, out var next);
            if (next < 0)
            {
                if (Fill())
                {
                    continue;
                }
                line = end - start;
                next = end;
            }
            if (IsBlank(buffer.AsSpan(start, line)))
            {
                // A blank line within the text is no record, but another reader may think so.
                IsOdd |= next < end || !atEnd || !isLast;
                nextLine++;
                start = next;
                continue;
            }
            Line = nextLine;
            if (!quotes || buffer.AsSpan(start, line).IndexOf(dialect.Quote) < 0)
            {
                Split(start, line);
                Judge();
                nextLine++;
                Length = next - start;
                start = next;
                return true;
            }
            if (ReadQuoted(line, next))
            {
                return true;
            }
            // The record goes on beyond the buffer.
            if (!Fill())
            {
                throw new InvalidOperationException("A record at the end of a text is always whole.");
            }
        }
    }

    public void Dispose() => content.Dispose();

    private bool IsBlank(ReadOnlySpan<byte> line) =>
        line.IsEmpty || (line[0] is (byte)' ' or (byte)'\r' or (byte)'\t' && dialect.Delimiter != (byte)'\t' && line.IndexOfAnyExcept(" \r\t"u8) < 0);

    /// <summary>Length of the line at a place without its end, and where the next one starts; negative when the buffer ends before.</summary>
    private int LineAt(int place, out int next)
    {
        var text = buffer.AsSpan(place, end - place);
        var length = carriageReturns ? text.IndexOfAny((byte)'\n', (byte)'\r') : text.IndexOf(dialect.LineEnd);
        if (length < 0 || (carriageReturns && text[length] == (byte)'\r' && length + 1 == text.Length && !atEnd))
        {
            next = -1;
            return 0;
        }
        next = place + length + 1;
        if (carriageReturns && text[length] == (byte)'\r' && next < end && buffer[next] == (byte)'\n')
        {
            next++;
        }
        return dialect.LineEnd == (byte)'\n' && length > 0 && text[length - 1] == (byte)'\r' ? length - 1 : length;
    }

    private void Split(int place, int length)
    {
        Count = 0;
        if (dialect.Aligned)
        {
            SplitAligned(place, length);
            return;
        }
        var stop = place + length;
        while (true)
        {
            var cell = buffer.AsSpan(place, stop - place).IndexOf(dialect.Delimiter);
            if (cell < 0)
            {
                AddTrimmed(place, stop - place);
                return;
            }
            AddTrimmed(place, cell);
            place += cell + 1;
        }
    }

    private void SplitAligned(int place, int length)
    {
        var stop = place + length;
        while (true)
        {
            while (place < stop && buffer[place] is (byte)' ' or (byte)'\t')
            {
                place++;
            }
            if (place >= stop)
            {
                return;
            }
            var cell = buffer.AsSpan(place, stop - place).IndexOfAny((byte)' ', (byte)'\t');
            cell = cell < 0 ? stop - place : cell;
            Add(place, cell);
            place += cell;
        }
    }

    /// <summary>
    /// A record whose first line has a quote: read by each rule in turn until one gives the header's number of cells. A line whose quotes all open or close a
    /// cell is what it is: read otherwise, the delimiters within its quotes could make up for the cells that it lacks.
    /// </summary>
    private bool ReadQuoted(int line, int next)
    {
        var first = ParseQuoted(strayEndsQuoting: true);
        if (first.NeedsMore)
        {
            return false;
        }
        if (Fits() ? !first.IsOdd : first is { HasStray: false, Lines: 1 })
        {
            return Take(first);
        }
        HasStrayQuotes |= first.HasStray;
        var chosen = first;
        if (!Fits())
        {
            chosen = ParseQuoted(strayEndsQuoting: false);
            if (chosen.NeedsMore)
            {
                return false;
            }
        }
        if (!Fits())
        {
            // Quotes as plain characters: what is wrong is kept to one line.
            unescapedLength = 0;
            Split(start, line);
            chosen = new Parsed(next, 1, false, true, true);
            HasStrayQuotes |= Fits();
            if (!Fits() && first.Lines == 1)
            {
                chosen = ParseQuoted(strayEndsQuoting: true);
            }
        }
        return Take(chosen with { IsOdd = true });
    }

    private bool Fits() => expected == 0 || Count == expected || HasBlankTail();

    private bool Take(Parsed parsed)
    {
        IsOdd |= parsed.IsOdd;
        Judge();
        nextLine += parsed.Lines;
        Length = parsed.Next - start;
        start = parsed.Next;
        return true;
    }

    /// <summary>Reads a record with quoted cells, perhaps over several lines.</summary>
    /// <param name="strayEndsQuoting">Whether a quote before a character makes the whole cell an unquoted one; else it is a character of the quoted
    /// one.</param>
    private Parsed ParseQuoted(bool strayEndsQuoting)
    {
        Count = 0;
        unescapedLength = 0;
        var (odd, stray) = (false, false);
        var lines = 1;
        var place = start;
        while (true)
        {
            var open = place;
            while (open < end && buffer[open] == (byte)' ')
            {
                open++;
            }
            if (open < end && buffer[open] == dialect.Quote)
            {
                var cell = Quoted(open, strayEndsQuoting);
                if (cell.NeedsMore)
                {
                    return new Parsed(0, 0, true, false, false);
                }
                if (cell.Next >= 0)
                {
                    (odd, stray) = (odd || cell.IsOdd || open > place, stray || cell.HasStray);
                    lines += cell.Lines;
                    place = cell.Next;
                    if (place >= end)
                    {
                        return new Parsed(place, lines, !atEnd, odd, stray);
                    }
                    if (IsDelimiter(buffer[place]))
                    {
                        place = AfterDelimiter(place);
                        continue;
                    }
                    return new Parsed(AfterLine(place), lines, false, odd, stray);
                }
                (odd, stray) = (true, true);
            }
            var text = buffer.AsSpan(place, end - place);
            var length = dialect.Aligned ? text.IndexOfAny(" \t\n\r"u8) : text.IndexOfAny(dialect.Delimiter, (byte)'\n', (byte)'\r');
            while (length >= 0 && text[length] == (byte)'\r' && !IsLineEnd(place + length))
            {
                var more = text[(length + 1)..].IndexOfAny(dialect.Delimiter, (byte)'\n', (byte)'\r');
                length = more < 0 ? -1 : length + 1 + more;
            }
            if (length < 0)
            {
                if (!atEnd)
                {
                    return new Parsed(0, 0, true, false, false);
                }
                length = text.Length;
            }
            if (text[..length].IndexOf(dialect.Quote) >= 0)
            {
                (odd, stray) = (true, true);
            }
            if (length > 0 || !dialect.Aligned)
            {
                AddTrimmed(place, length);
            }
            place += length;
            if (place >= end)
            {
                return new Parsed(place, lines, false, odd, stray);
            }
            if (IsDelimiter(buffer[place]))
            {
                place = AfterDelimiter(place);
                continue;
            }
            return new Parsed(AfterLine(place), lines, false, odd, stray);
        }
    }

    /// <summary>A cell from its opening quote on: adds it and tells where it ends; negative when it turns out not to be quoted.</summary>
    private Quotation Quoted(int open, bool strayEndsQuoting)
    {
        var place = open + 1;
        var from = unescapedLength;
        var segment = place;
        var lines = 0;
        var stray = false;
        while (true)
        {
            var length = place < end ? buffer.AsSpan(place, end - place).IndexOf(dialect.Quote) : -1;
            if (length < 0)
            {
                // A quoted cell that goes on longer has lost its closing quote.
                if (!atEnd && end - start < limits.RowBytes)
                {
                    return new Quotation(0, 0, true, false, false);
                }
                unescapedLength = from;
                return new Quotation(-1, 0, false, true, true);
            }
            lines += LinesIn(buffer.AsSpan(place, length));
            var quote = place + length;
            var after = quote + 1;
            if (after >= end && !atEnd)
            {
                return new Quotation(0, 0, true, false, false);
            }
            if (after < end && buffer[after] == dialect.Quote)
            {
                Keep(buffer.AsSpan(segment, after - segment));
                place = segment = after + 1;
                continue;
            }
            var close = after;
            while (close < end && buffer[close] == (byte)' ' && !dialect.Aligned)
            {
                close++;
            }
            if (close >= end && !atEnd)
            {
                return new Quotation(0, 0, true, false, false);
            }
            if (close >= end || IsDelimiter(buffer[close]) || IsLineEnd(close))
            {
                if (unescapedLength == from)
                {
                    Add(segment, quote - segment);
                }
                else
                {
                    Keep(buffer.AsSpan(segment, quote - segment));
                    Add(~from, unescapedLength - from);
                }
                return new Quotation(close, lines, false, stray || close > after, stray);
            }
            if (strayEndsQuoting)
            {
                unescapedLength = from;
                return new Quotation(-1, 0, false, true, true);
            }
            stray = true;
            Keep(buffer.AsSpan(segment, after - segment));
            place = segment = after;
        }
    }

    private int LinesIn(ReadOnlySpan<byte> text) => text.Count(dialect.LineEnd);

    private bool IsDelimiter(byte c) => dialect.Aligned ? c is (byte)' ' or (byte)'\t' : c == dialect.Delimiter;

    private int AfterDelimiter(int place)
    {
        place++;
        while (dialect.Aligned && place < end && buffer[place] is (byte)' ' or (byte)'\t')
        {
            place++;
        }
        return place;
    }

    private bool IsLineEnd(int place) => buffer[place] == (byte)'\n'
        || (buffer[place] == (byte)'\r' && (dialect.LineEnd == (byte)'\r' || carriageReturns || place + 1 >= end || buffer[place + 1] == (byte)'\n'));

    private int AfterLine(int place) => buffer[place] == (byte)'\r' && place + 1 < end && buffer[place + 1] == (byte)'\n' ? place + 2 : place + 1;

    private void Judge()
    {
        State = expected == 0 || Count == expected ? RecordState.Whole : RecordState.Ragged;
        if (State == RecordState.Ragged)
        {
            IsOdd = true;
            if (HasBlankTail())
            {
                (Count, State) = (expected, RecordState.Whole);
            }
        }
    }

    /// <summary>More cells than the header has, but nothing in them: a delimiter at the end of each line.</summary>
    private bool HasBlankTail()
    {
        if (Count <= expected)
        {
            return false;
        }
        for (var i = expected; i < Count; i++)
        {
            if (!IsBlank(this[i]))
            {
                return false;
            }
        }
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AddTrimmed(int place, int length)
    {
        var cell = buffer.AsSpan(place, length);
        var trimmed = CellText.Trim(cell);
        if (trimmed.Length == length)
        {
            Add(place, length);
            return;
        }
        // Another reader would keep the blanks.
        IsOdd = true;
        Add(trimmed.IsEmpty ? place : place + cell.IndexOf(trimmed), trimmed.Length);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Add(int place, int length)
    {
        if (Count == cells.Length)
        {
            Array.Resize(ref cells, 2 * Count);
        }
        cells[Count++] = new Cell(place, length);
    }

    private void Keep(ReadOnlySpan<byte> text)
    {
        if (unescaped.Length - unescapedLength < text.Length)
        {
            Array.Resize(ref unescaped, Math.Max(2 * unescaped.Length, unescapedLength + text.Length));
        }
        text.CopyTo(unescaped.AsSpan(unescapedLength));
        unescapedLength += text.Length;
    }

    private void SkipLine()
    {
        int next;
        while (LineAt(start, out next) is var _ && next < 0 && Fill())
        {
        }
        start = next < 0 ? end : next;
        nextLine++;
    }

    /// <summary>Reads more behind what is left; false when there is no more.</summary>
    private bool Fill()
    {
        if (atEnd)
        {
            return false;
        }
        cancel.ThrowIfCancellationRequested();
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
        }
        if (end == buffer.Length)
        {
            // As much again: what looks like a quoted cell is read for the longest row before its line is.
            if (buffer.Length / 2 > limits.RowBytes)
            {
                throw TooMany.Bytes(limits);
            }
            Array.Resize(ref buffer, 2 * buffer.Length);
        }
        var room = (int)Math.Min(buffer.Length - end, left);
        var read = content.ReadAtLeast(buffer.AsSpan(end, room), room, throwOnEndOfStream: false);
        left -= read;
        atEnd = read < room || left == 0;
        end += read;
        return true;
    }

    /// <summary>Where a cell's text is: in the buffer, or, where the start is negative, at its complement among the unescaped texts.</summary>
    private readonly record struct Cell(int Start, int Length);

    private readonly record struct Parsed(int Next, int Lines, bool NeedsMore, bool IsOdd, bool HasStray);

    private readonly record struct Quotation(int Next, int Lines, bool NeedsMore, bool IsOdd, bool HasStray);
}

using System.Text;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>Finds out how a CSV text is written from its first records. What its cells mean is not decided here: the whole file decides that.</summary>
internal static class CsvSniffer
{
    private static readonly byte[] Delimiters = [(byte)',', (byte)';', (byte)'\t', (byte)'|'];

    private const int SampleBytes = 1 << 17;
    private const int LargeSampleBytes = 1 << 23;
    private const int EnoughRecords = 1000;
    private const int FewestRecords = 3;

    /// <exception cref="InputException">The text has no rows.</exception>
    public static CsvFormat Sniff(SourceScan scan, string name, PipelineDefinition definition, InputLimits limits)
    {
        for (var size = SampleBytes; ; size *= 4)
        {
            var (text, whole) = ReadStart(scan, size);
            if (whole && text.Length == 0)
            {
                throw NoRows(name);
            }
            var best = Best(text, whole, LineEndOf(scan), limits);
            var enough = size < LargeSampleBytes ? EnoughRecords : FewestRecords;
            if (whole || best.Records.Count >= enough || size >= 2L * limits.RowBytes)
            {
                if (!whole && best.Records.Count <= 1)
                {
                    throw new InputException($"{name}: {TooMany.Bytes(limits).Message}");
                }
                return Describe(best, name, definition, limits);
            }
        }
    }

    private static Candidate Best(byte[] text, bool whole, byte lineEnd, InputLimits limits)
    {
        var (preamble, declared) = Preamble(text);
        IEnumerable<byte> delimiters = declared is { } one ? [one] : Delimiters;
        var best = delimiters
            .SelectMany(delimiter => Quotes(text).Select(quote => Parse(text, whole, new CsvDialect(delimiter, quote, false, preamble, lineEnd), limits)))
            .OrderByDescending(candidate => candidate.Score)
            .First();
        if (best.Score > 0)
        {
            return best;
        }
        var aligned = Parse(text, whole, new CsvDialect((byte)' ', (byte)'"', true, preamble, lineEnd), limits);
        return aligned is { Regular: >= 0.9, Records.Count: > 1 } && aligned.Records[0].Length > 1 ? aligned : best;
    }

    private static byte LineEndOf(SourceScan scan) => scan is { LineFeeds: 0, CarriageReturns: > 0 } ? (byte)'\r' : (byte)'\n';

    /// <summary>Excel's first line <c>sep=;</c> names the delimiter.</summary>
    private static (int Lines, byte? Delimiter) Preamble(ReadOnlySpan<byte> text)
    {
        var line = text[..(text.IndexOfAny((byte)'\n', (byte)'\r') is >= 0 and var end ? end : text.Length)];
        var said = CellText.Trim(line).Trim((byte)'"');
        if (said.Length < 4 || !Ascii.EqualsIgnoreCase(said[..4], "sep="u8))
        {
            return (0, null);
        }
        // A tab at the end of the line is the delimiter that it names, not a blank.
        return said.Length switch
        {
            5 => (1, said[4]),
            4 when line.EndsWith("\t"u8) || line.EndsWith("\t\""u8) => (1, (byte)'\t'),
            _ => (0, null),
        };
    }

    /// <summary>Apostrophes may quote where no double quotes are.</summary>
    private static IEnumerable<byte> Quotes(byte[] text) =>
        !text.Contains((byte)'"') && text.Contains((byte)'\'') ? [(byte)'"', (byte)'\''] : [(byte)'"'];

    private static CsvFormat Describe(Candidate best, string name, PipelineDefinition definition, InputLimits limits)
    {
        if (best.Records.Count == 0)
        {
            throw NoRows(name);
        }
        var header = best.Records[0];
        if (header.Length > limits.Columns)
        {
            throw TooMany.Columns(name, header.Length, limits);
        }
        var hasHeader = definition.Header ?? IsHeader(best.Records, definition);
        var rows = hasHeader ? best.Records.Skip(1).ToList() : best.Records;
        if (rows.Count == 0)
        {
            throw new InputException($"{name} has a header but no rows. Add at least ten rows below the header.");
        }
        CheckTitle(header, rows, name);
        return new CsvFormat(best.Dialect, hasHeader, header);
    }

    private static InputException NoRows(string name) => new($"{name} has no rows: it holds only blank lines. Give a CSV with a header and rows.");

    /// <summary>A title above the header would make every row one of the wrong length.</summary>
    private static void CheckTitle(string[] first, IReadOnlyList<string[]> rows, string name)
    {
        var (usual, count) = rows.CountBy(record => record.Length).MaxBy(length => length.Value);
        if (usual != first.Length && count * 2 > rows.Count)
        {
            throw new InputException($"{name}: the first line ('{Warning.Shorten(string.Join(',', first))}') has {Warning.Counted(first.Length, "cell")}, most "
                + $"lines below it have another number of cells ({usual}). The first line must name the columns: remove a title above it, or complete it.");
        }
    }

    private static (byte[] Text, bool Whole) ReadStart(SourceScan scan, int bytes)
    {
        using var content = scan.Open();
        var buffer = new byte[Math.Min(bytes, content.Length)];
        content.ReadExactly(buffer);
        var whole = buffer.Length == content.Length;
        var end = whole ? buffer.Length : buffer.AsSpan().LastIndexOfAny((byte)'\n', (byte)'\r') + 1;
        var start = buffer.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
        return (buffer[start..Math.Max(start, end)], whole);
    }

    private static Candidate Parse(byte[] text, bool whole, CsvDialect dialect, InputLimits limits)
    {
        using var header = new CsvRecords(new MemoryStream(text), dialect, limits: limits);
        var cells = header.Read() ? header.Count : 0;
        using var parser = new CsvRecords(new MemoryStream(text), dialect, cells, limits: limits);
        var records = new List<string[]>();
        var regular = 0;
        while (parser.Read())
        {
            var record = new string[parser.Count];
            for (var i = 0; i < record.Length; i++)
            {
                record[i] = Encoding.UTF8.GetString(CellText.Trim(parser[i]));
            }
            records.Add(record);
            regular += parser.State == RecordState.Whole ? 1 : 0;
        }
        if (!whole && records.Count > FewestRecords)
        {
            // The text may end within a quoted cell.
            records.RemoveAt(records.Count - 1);
            regular = Math.Min(regular, records.Count);
        }
        return new Candidate(dialect, records, records.Count == 0 ? 0 : (double)regular / records.Count, parser.IsOdd)
        {
            HasStrayQuotes = parser.HasStrayQuotes,
        };
    }

    /// <summary>
    /// The first record names columns when one of its cells is the target's name, or when none of them is a value and it differs from what stands
    /// below.
    /// </summary>
    private static bool IsHeader(IReadOnlyList<string[]> records, PipelineDefinition definition)
    {
        var first = records[0];
        if (definition.Target.Length > 0 && first.Contains(definition.Target, StringComparer.Ordinal) && first.Distinct(StringComparer.Ordinal).Count() > 1)
        {
            return true;
        }
        if (first.Any(IsValue) || first.All(cell => cell.Length == 0))
        {
            return false;
        }
        return first.Length > 1 || !records.Skip(1).Take(1000).Any(record => record is [var cell] && cell == first[0]);
    }

    private static bool IsValue(string cell)
    {
        var text = Encoding.UTF8.GetBytes(cell);
        return NumberText.TryScan(text, out _) || TimeText.TryScan(text, out _) || BooleanText.IsWord(text);
    }

    /// <param name="Dialect">How the text is taken to be written.</param>
    /// <param name="Records">Its first records.</param>
    /// <param name="Regular">Share of records with the first one's number of cells.</param>
    /// <param name="IsOdd">Whether RFC 4180 was left on the way.</param>
    private sealed record Candidate(CsvDialect Dialect, List<string[]> Records, double Regular, bool IsOdd)
    {
        public bool HasStrayQuotes { get; init; }

        /// <summary>Regular records first, more cells then; one cell a record is the last resort, and apostrophes quote only where all of them do.</summary>
        public double Score
        {
            get
            {
                if (Records.Count == 0)
                {
                    return -1;
                }
                var cells = Records[0].Length;
                return cells == 1 || (HasStrayQuotes && Dialect.Quote == (byte)'\'') ? 0 : Regular + (Math.Min(cells, 100_000) / 1e6) - (IsOdd ? 1e-7 : 0)
                    + (Dialect.Quote == (byte)'\'' ? 1e-7 : 0);
            }
        }
    }
}

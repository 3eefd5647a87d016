using System.Globalization;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>Finds out how a CSV text is written from its first records.</summary>
internal static class CsvSniffer
{
    private static readonly char[] Delimiters = [',', ';', '\t', '|'];

    private const int SampleBytes = 1 << 17;
    private const int LargeSampleBytes = 1 << 23;
    private const int LargestSampleBytes = 1 << 28;
    private const int EnoughRecords = 1000;
    private const int FewestRecords = 3;

    /// <exception cref="InputException">The text has no rows.</exception>
    public static CsvFormat Sniff(string path, string name)
    {
        for (var size = SampleBytes; ; size *= 4)
        {
            var (text, whole) = ReadStart(path, size);
            var format = Delimiters
                .Select(delimiter => Parse(text, whole, delimiter, QuoteOf(text, delimiter)))
                .OrderByDescending(candidate => candidate.Score)
                .First();
            var enough = size < LargeSampleBytes ? EnoughRecords : FewestRecords;
            if (whole || format.Records.Count >= enough || size >= LargestSampleBytes)
            {
                return Describe(format, text, name);
            }
        }
    }

    private static CsvFormat Describe(Candidate format, string text, string name)
    {
        if (format.Records.Count == 0)
        {
            throw new InputException($"{name} has no rows: it holds only blank lines. Give a CSV with a header and rows.");
        }
        var hasHeader = IsHeader(format.Records);
        var header = format.Records[0];
        IReadOnlyList<string[]> sample = hasHeader ? [.. format.Records.Skip(1)] : format.Records;
        if (sample.Count == 0)
        {
            throw new InputException($"{name} has a header but no rows. Add at least ten rows below the header.");
        }
        CheckTitle(header, sample, name);
        return new CsvFormat(format.Delimiter, format.Quote, hasHeader, header, sample, (double)Encoding.UTF8.GetByteCount(text) / format.Records.Count);
    }

    /// <summary>A title above the header would make every row one of the wrong length.</summary>
    private static void CheckTitle(string[] first, IReadOnlyList<string[]> sample, string name)
    {
        var (usual, count) = sample.CountBy(record => record.Length).MaxBy(length => length.Value);
        if (usual != first.Length && count * 2 > sample.Count)
        {
            throw new InputException($"{name}: the first line has {first.Length} {(first.Length == 1 ? "cell" : "cells")}, most lines below it have "
                + $"another number of cells ({usual}). The first line must name the columns: remove a title above it, or complete it.");
        }
    }

    private static (string Text, bool Whole) ReadStart(string path, int bytes)
    {
        using var content = File.OpenRead(path);
        var buffer = new byte[Math.Min(bytes, content.Length)];
        content.ReadExactly(buffer);
        var whole = buffer.Length == content.Length;
        var end = whole ? buffer.Length : buffer.AsSpan().LastIndexOf((byte)'\n') + 1;
        var start = buffer.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
        return (Encoding.UTF8.GetString(buffer, start, Math.Max(0, end - start)), whole);
    }

    /// <summary>Apostrophes quote when they open cells and double quotes do not.</summary>
    private static char QuoteOf(string text, char delimiter) =>
        !text.Contains('"', StringComparison.Ordinal) && text.Contains($"{delimiter}'", StringComparison.Ordinal)
            && text.Contains($"'{delimiter}", StringComparison.Ordinal)
            ? '\''
            : '"';

    private static Candidate Parse(string text, bool whole, char delimiter, char quote)
    {
        var configuration = new CsvConfiguration(CultureInfo.InvariantCulture)
        {
            Delimiter = delimiter.ToString(),
            Quote = quote,
            Escape = quote,
            HasHeaderRecord = false,
            BadDataFound = null,
            IgnoreBlankLines = true,
            MaxFieldSize = 0,
        };
        using var parser = new CsvParser(new StringReader(text), configuration);
        var records = new List<string[]>();
        while (parser.Read())
        {
            records.Add(parser.Record!);
        }
        if (!whole && records.Count > FewestRecords)
        {
            // The text may end within a quoted cell.
            records.RemoveAt(records.Count - 1);
        }
        return new Candidate(delimiter, quote, records);
    }

    /// <summary>The first record names columns when none of its cells is a value and it differs from what stands below.</summary>
    private static bool IsHeader(IReadOnlyList<string[]> records)
    {
        var first = records[0];
        if (first.Any(cell => CellText.IsNumber(cell, decimalComma: false) || CellText.IsNumber(cell, decimalComma: true)
            || CellText.DateFormatOf(cell) is not null || CellText.IsBoolean(cell)))
        {
            return false;
        }
        if (first.All(cell => cell.Trim().Length == 0))
        {
            return false;
        }
        return first.Length > 1 || !records.Skip(1).Take(1000).Any(record => record is [var cell] && cell == first[0]);
    }

    private sealed record Candidate(char Delimiter, char Quote, List<string[]> Records)
    {
        /// <summary>Share of records with the first record's number of cells, and only then that number; one cell a record is the last resort.</summary>
        public double Score
        {
            get
            {
                if (Records.Count == 0)
                {
                    return -1;
                }
                var cells = Records[0].Length;
                var regular = Records.Count(record => record.Length == cells) / (double)Records.Count;
                return cells == 1 ? 0 : regular + Math.Min(cells, 100_000) / 1e6;
            }
        }
    }
}

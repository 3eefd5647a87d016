using System.Text;
using System.Text.Unicode;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Stages.Ingest;

namespace MlOps.Serving.Predictions;

/// <summary>
/// Reads rows of a CSV with a header, as files are ingested: quotes, blanks and what means a missing value alike. What separates cells is what gives the
/// header the most names of the model's inputs, of comma, semicolon, tab and bar.
/// </summary>
/// <param name="inputs">Names of the model's inputs.</param>
/// <param name="limits">How many cells a row may have, and bytes.</param>
public sealed class CsvRows(IReadOnlyList<string> inputs, InputLimits limits)
{
    private static readonly byte[] Delimiters = [(byte)',', (byte)';', (byte)'\t', (byte)'|'];

    private CsvDialect dialect = new((byte)',');
    private long lines;

    /// <summary>Names of the columns; null before the first text.</summary>
    public IReadOnlyList<string>? Header { get; private set; }

    /// <summary>Reads the next whole rows of the text, the first time with its header.</summary>
    /// <param name="text">Whole rows, in UTF-8.</param>
    /// <param name="kept">Which columns go into rows.</param>
    /// <param name="rows">Takes them.</param>
    /// <returns>The line of the whole text on which each row starts, from 1.</returns>
    /// <exception cref="InputException">It is no UTF-8, or a row has not as many cells as the header; rows before that are taken.</exception>
    public IReadOnlyList<long> Read(ReadOnlyMemory<byte> text, Func<IReadOnlyList<string>, Func<string, bool>> kept, RowsBuilder rows)
    {
        if (!Utf8.IsValid(text.Span))
        {
            throw new InputException($"Line {lines + 1} or one soon after is not UTF-8. Send text in UTF-8.");
        }
        Header ??= ReadHeader(text);
        var found = new List<long>();
        if (Header.Count == 0)
        {
            return found;
        }
        using var records = Open(text, Header.Count);
        var (isHeader, isKept) = (lines == 0, Header.Select(kept(Header)).ToArray());
        while (records.Read())
        {
            if (isHeader)
            {
                isHeader = false;
                continue;
            }
            if (records.State == RecordState.Ragged)
            {
                throw new InputException($"Line {lines + records.Line} has {records.Count} cells; the header has {Header.Count}.");
            }
            rows.Begin();
            for (var i = 0; i < Header.Count; i++)
            {
                if (isKept[i])
                {
                    rows.Add(Header[i], records[i]);
                }
            }
            rows.End();
            found.Add(lines + records.Line);
        }
        lines += records.Lines;
        return found;
    }

    private string[] ReadHeader(ReadOnlyMemory<byte> text)
    {
        (string[] Names, int Known, CsvDialect Dialect) best = ([], -1, dialect);
        foreach (var delimiter in Delimiters)
        {
            dialect = new CsvDialect(delimiter);
            using var records = Open(text, expected: 0);
            var names = records.Read() ? Enumerable.Range(0, records.Count).Select(i => Encoding.UTF8.GetString(records[i])).ToArray() : [];
            if (names.Count(inputs.Contains) is var known && known > best.Known)
            {
                best = (names, known, dialect);
            }
        }
        dialect = best.Dialect;
        return best.Names.Length <= limits.Columns ? best.Names : throw TooMany.Columns("The text", best.Names.Length, limits);
    }

    private CsvRecords Open(ReadOnlyMemory<byte> text, int expected) =>
        new(new MemoryStream(text.ToArray(), writable: false), dialect, expected, limits: limits);
}

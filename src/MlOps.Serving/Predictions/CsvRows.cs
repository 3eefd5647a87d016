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

    /// <summary>Names of the columns; null before there was a line with any.</summary>
    public IReadOnlyList<string>? Header { get; private set; }

    /// <summary>What separates cells, once there is a header.</summary>
    public byte? Delimiter => Header is null ? null : dialect.Delimiter;

    /// <summary>Reads the next whole rows of the text, the first time with its header.</summary>
    /// <param name="text">Whole rows, in UTF-8.</param>
    /// <param name="kept">Which columns go into rows.</param>
    /// <param name="rows">Takes them.</param>
    /// <param name="starts">Takes the line of the whole text on which each row starts, from 1.</param>
    /// <exception cref="InputException">It is no UTF-8, or a row has not as many cells as the header; rows before that are taken.</exception>
    public void Read(ReadOnlyMemory<byte> text, Func<IReadOnlyList<string>, Func<string, bool>> kept, RowsBuilder rows, List<long> starts)
    {
        if (!Utf8.IsValid(text.Span))
        {
            throw new InputException($"Line {lines + 1} or one soon after is not UTF-8. Send text in UTF-8.");
        }
        var isHeader = Header is null;
        Header ??= ReadHeader(text);
        if (Header is not { } names)
        {
            lines += text.Span.Count((byte)'\n');
            return;
        }
        using var records = Open(text, names.Count);
        var isKept = names.Select(kept(names)).ToArray();
        while (records.Read())
        {
            if (isHeader)
            {
                isHeader = false;
                continue;
            }
            if (records.State == RecordState.Ragged)
            {
                throw new InputException($"Line {lines + records.Line} has {Warning.Counted(records.Count, "cell")}; the header has {names.Count}.");
            }
            rows.Begin();
            for (var i = 0; i < names.Count; i++)
            {
                if (isKept[i])
                {
                    rows.Add(names[i], records[i]);
                }
            }
            rows.End();
            starts.Add(lines + records.Line);
        }
        lines += records.Lines;
    }

    private string[]? ReadHeader(ReadOnlyMemory<byte> text)
    {
        (string[]? Names, int Known, CsvDialect Dialect) best = (null, -1, dialect);
        foreach (var delimiter in Delimiters)
        {
            dialect = new CsvDialect(delimiter);
            using var records = Open(text, expected: 0);
            if (!records.Read())
            {
                return null;
            }
            var names = Enumerable.Range(0, records.Count).Select(i => Encoding.UTF8.GetString(records[i])).ToArray();
            if (names.Count(inputs.Contains) is var known && known > best.Known)
            {
                best = (names, known, dialect);
            }
        }
        dialect = best.Dialect;
        return best.Names!.Length > limits.Columns ? throw TooMany.Columns("The text", best.Names.Length, limits)
            : best.Names.Any(name => name.Contains('\r')) ? throw new InputException("The header has a carriage return within: end lines with a line feed.")
            : best.Names;
    }

    private CsvRecords Open(ReadOnlyMemory<byte> text, int expected) =>
        new(new MemoryStream(text.ToArray(), writable: false), dialect, expected, limits: limits);
}

using System.Globalization;
using System.Runtime.CompilerServices;
using MlOps.Pipeline.Contracts;

namespace MlOps.Serving.Predictions;

/// <summary>Reads a text as it arrives, in blocks of whole rows: of as much memory as the longest row takes, however long the text is.</summary>
/// <param name="text">UTF-8.</param>
/// <param name="isCsv">Whether a row may go on over several lines, within quotes; the first block is its header then.</param>
/// <param name="limits">How long a row may be.</param>
public sealed class TextBlocks(Stream text, bool isCsv, InputLimits limits)
{
    private const int FirstBuffer = 1 << 16;

    private Place place;

    private enum Place
    {
        CellStart,
        Plain,
        Quoted,
        /// <summary>After a quote within quotes, which ends them unless another one follows.</summary>
        AfterQuote,
    }

    /// <summary>What separates cells of a CSV; null: not known yet, and all that may.</summary>
    public byte? Delimiter { get; set; }

    /// <summary>The blocks, each good until the next is asked for.</summary>
    /// <exception cref="InputException">A row is longer than it may be.</exception>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        var buffer = new byte[FirstBuffer];
        var (length, scanned) = (0, 0);
        while (true)
        {
            if (EndOfRows(buffer.AsSpan(0, length), ref scanned) is > 0 and var end)
            {
                yield return buffer.AsMemory(0, end);
                buffer.AsSpan(end, length - end).CopyTo(buffer);
                (length, scanned) = (length - end, scanned - end);
                continue;
            }
            if (length == buffer.Length)
            {
                if (length >= limits.RowBytes)
                {
                    throw new InputException(string.Create(
                        CultureInfo.InvariantCulture,
                        $"A row is longer than {limits.RowBytes:N0} bytes. Does each line have an end? The setting is "
                            + $"{InputLimits.Setting(nameof(InputLimits.RowBytes))}."));
                }
                Array.Resize(ref buffer, (int)Math.Min(2L * length, Math.Max(limits.RowBytes, FirstBuffer)));
            }
            var read = await text.ReadAsync(buffer.AsMemory(length), cancel);
            if (read == 0)
            {
                break;
            }
            length += read;
        }
        if (length > 0)
        {
            yield return buffer.AsMemory(0, length);
        }
    }

    /// <summary>Where the last whole row ends, of a CSV's header the first; 0: nowhere.</summary>
    private int EndOfRows(ReadOnlySpan<byte> rows, ref int scanned)
    {
        var end = 0;
        if (!isCsv)
        {
            end = scanned + rows[scanned..].LastIndexOf((byte)'\n') + 1;
            end = end == scanned ? 0 : end;
            scanned = rows.Length;
            return end;
        }
        while (scanned < rows.Length)
        {
            var next = rows[scanned++];
            place = After(next);
            if (next == (byte)'\n' && place == Place.CellStart)
            {
                end = scanned;
                if (Delimiter is null)
                {
                    break;
                }
            }
        }
        return end;
    }

    private Place After(byte next) => (place, next) switch
    {
        (Place.Quoted, (byte)'"') => Place.AfterQuote,
        (Place.Quoted, _) => Place.Quoted,
        (Place.AfterQuote or Place.CellStart, (byte)'"') => Place.Quoted,
        (_, (byte)'\n') => Place.CellStart,
        (Place.AfterQuote or Place.CellStart, (byte)' ' or (byte)'\r') => place,
        _ => (Delimiter is { } one ? next == one : ",;\t|"u8.Contains(next)) ? Place.CellStart : Place.Plain,
    };
}

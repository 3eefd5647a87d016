using System.Buffers;
using System.Text;
using System.Text.Unicode;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Stages.Ingest;

internal enum SourceFormat
{
    Csv,
    Parquet,
}

/// <summary>What one pass over a raw file's bytes tells: its format, and a UTF-8 text to read where it is text.</summary>
internal sealed class SourceScan : IDisposable
{
    private const int BufferBytes = 1 << 20;

    private static readonly Encoding Windows1252 = CodePagesEncodingProvider.Instance.GetEncoding(1252)!;

    private string? temporary;

    private SourceScan(SourceFormat format, string path)
    {
        Format = format;
        Path = path;
    }

    public SourceFormat Format { get; }

    /// <summary>The file to read: the original, or its unpacked or transcoded copy.</summary>
    public string Path { get; private set; }

    /// <summary>Lines that a line feed ends.</summary>
    public long LineFeeds { get; private set; }

    /// <summary>Those of them with a carriage return before it.</summary>
    public long Pairs { get; private set; }

    /// <summary>Carriage returns, alone or not.</summary>
    public long CarriageReturns { get; private set; }

    /// <summary>True where a double quote stands anywhere.</summary>
    public bool HasQuotes { get; private set; }

    /// <summary>What the user should know of how the bytes were read.</summary>
    public IReadOnlyList<Warning> Warnings { get; private set; } = [];

    /// <summary>Opens <see cref="Path"/> for reading from start to end.</summary>
    public FileStream Open() => new(Path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);

    /// <exception cref="InputException">The file is empty, or no text, or text in an encoding that is not supported.</exception>
    public static async Task<SourceScan> RunAsync(SourceFile source, PipelineOptions options, CancellationToken cancel)
    {
        var head = await ReadHeadAsync(source.Path, cancel);
        if (head.Length == 0)
        {
            throw new InputException($"{source.Name} is empty (0 bytes). Give a CSV or Parquet file with a header and rows.");
        }
        if (head.AsSpan().StartsWith("PAR1"u8))
        {
            return new SourceScan(SourceFormat.Parquet, source.Path);
        }
        if (head.AsSpan().StartsWith("PK\x03\x04"u8))
        {
            throw new InputException($"{source.Name} is a zip archive or an Excel workbook, not a CSV. Unpack it, or save the sheet as CSV (UTF-8).");
        }
        var scan = new SourceScan(SourceFormat.Csv, source.Path);
        try
        {
            await scan.ToUtf8Async(source, head, options, cancel);
            return scan;
        }
        catch
        {
            scan.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (temporary is not null)
        {
            File.Delete(temporary);
        }
    }

    private async Task ToUtf8Async(SourceFile source, byte[] head, PipelineOptions options, CancellationToken cancel)
    {
        if (head.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b]))
        {
            await ReplaceAsync(options.WorkFolder, async copy => await UnpackAsync(source, copy, options.Limits, cancel));
            head = await ReadHeadAsync(Path, cancel);
        }
        if (IsJson(head))
        {
            throw new InputException($"{source.Name} is JSON, not a CSV. Write its rows as CSV (UTF-8) or Parquet, a column for each member.");
        }
        if (Utf16Of(head) is { } encoding)
        {
            await ReplaceAsync(options.WorkFolder, async copy => await TranscodeAsync(Path, encoding, copy, cancel));
        }
        if (await CheckTextAsync(source.Name, cancel) is not { } foreign)
        {
            return;
        }
        if (foreign.AfterUtf8 || foreign.IsUndefined)
        {
            throw new InputException(
                $"{source.Name} is not UTF-8: line {foreign.Line} has the byte 0x{foreign.Byte:X2}. Save it as UTF-8 (or UTF-16) and try again.");
        }
        await ReplaceAsync(options.WorkFolder, async copy => await TranscodeAsync(Path, Windows1252, copy, cancel));
        await CheckTextAsync(source.Name, cancel);
        Warnings =
        [
            new Warning(
                WarningCodes.NotUtf8,
                $"{source.Name} is not UTF-8 (line {foreign.Line} has the byte 0x{foreign.Byte:X2}); it was read as Windows-1252. "
                + "If letters look wrong, save it as UTF-8.") { Line = foreign.Line, Headline = true },
        ];
    }

    private static async Task UnpackAsync(SourceFile source, string copy, InputLimits limits, CancellationToken cancel)
    {
        try
        {
            await GzipFile.UnpackAsync(source.Path, copy, new ExpansionLimit(source.Name, new FileInfo(source.Path).Length, limits), cancel);
        }
        catch (InvalidDataException damaged)
        {
            throw new InputException($"{source.Name} is a damaged gzip file: {damaged.Message} Compress it again, or give the CSV itself.", damaged);
        }
    }

    private static async Task TranscodeAsync(string path, Encoding encoding, string copy, CancellationToken cancel)
    {
        using var reader = new StreamReader(path, encoding, detectEncodingFromByteOrderMarks: true, BufferBytes);
        await using var writer = new StreamWriter(copy, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), BufferBytes);
        var buffer = new char[BufferBytes];
        int read;
        while ((read = await reader.ReadAsync(buffer, cancel)) > 0)
        {
            await writer.WriteAsync(buffer.AsMemory(0, read), cancel);
        }
    }

    private async Task ReplaceAsync(string workFolder, Func<string, Task> write)
    {
        var folder = System.IO.Path.Combine(workFolder, "incoming");
        Directory.CreateDirectory(folder);
        var copy = System.IO.Path.Combine(folder, Guid.NewGuid().ToString("N"));
        var earlier = temporary;
        try
        {
            await write(copy);
        }
        finally
        {
            temporary = copy;
            Path = copy;
            if (earlier is not null)
            {
                File.Delete(earlier);
            }
        }
    }

    /// <summary>UTF-16 by its byte order mark, or by zero bytes at every other place of the first characters.</summary>
    private static UnicodeEncoding? Utf16Of(ReadOnlySpan<byte> head)
    {
        if (head.StartsWith((ReadOnlySpan<byte>)[0xff, 0xfe]) || head.StartsWith((ReadOnlySpan<byte>)[0xfe, 0xff]))
        {
            return new UnicodeEncoding(bigEndian: head[0] == 0xfe, byteOrderMark: true);
        }
        var pairs = Math.Min(head.Length, 64) / 2;
        int evenZeros = 0, oddZeros = 0;
        for (var i = 0; i < pairs; i++)
        {
            evenZeros += head[2 * i] == 0 ? 1 : 0;
            oddZeros += head[(2 * i) + 1] == 0 ? 1 : 0;
        }
        return pairs >= 2 && (evenZeros, oddZeros) is var (even, odd) && (even == 0) != (odd == 0) && Math.Max(even, odd) > pairs * 3 / 4
            ? new UnicodeEncoding(bigEndian: even > 0, byteOrderMark: false)
            : null;
    }

    /// <summary>Looks at all bytes; tells the first one that is not UTF-8.</summary>
    private async Task<ForeignByte?> CheckTextAsync(string name, CancellationToken cancel)
    {
        (LineFeeds, Pairs, CarriageReturns, HasQuotes) = (0, 0, 0, false);
        await using var content = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            int kept = 0, read;
            var isAscii = true;
            byte last = 0;
            while ((read = await content.ReadAsync(buffer.AsMemory(kept, BufferBytes - kept), cancel)) > 0)
            {
                var length = kept + read;
                kept = content.Position == content.Length ? 0 : IncompleteTail(buffer.AsSpan(0, length));
                var text = buffer.AsSpan(0, length - kept);
                CheckZero(name, text);
                if (!Utf8.IsValid(text))
                {
                    var valid = ValidPrefix(text);
                    var undefined = text.IndexOfAny((ReadOnlySpan<byte>)[0x81, 0x8d, 0x8f, 0x90, 0x9d]) >= 0;
                    return new ForeignByte(
                        LineFeeds + 1 + text[..valid].Count((byte)'\n'), text[valid], !isAscii || !Ascii.IsValid(text[..valid]), undefined);
                }
                isAscii = isAscii && Ascii.IsValid(text);
                HasQuotes = HasQuotes || text.Contains((byte)'"');
                CountLines(text, ref last);
                buffer.AsSpan(length - kept, kept).CopyTo(buffer);
            }
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void CheckZero(string name, ReadOnlySpan<byte> text)
    {
        var zero = text.IndexOf((byte)0);
        if (zero >= 0)
        {
            throw new InputException($"{name} is no text file: line {LineFeeds + 1 + text[..zero].Count((byte)'\n')} has a zero byte. Give a CSV (UTF-8 or "
                + "UTF-16) or a Parquet file.");
        }
    }

    private void CountLines(ReadOnlySpan<byte> text, ref byte last)
    {
        var returns = text.Count((byte)'\r');
        if (returns == 0 && last != (byte)'\r' && !text.IsEmpty)
        {
            LineFeeds += text.Count((byte)'\n');
            last = text[^1];
            return;
        }
        CarriageReturns += returns;
        int end;
        while ((end = text.IndexOf((byte)'\n')) >= 0)
        {
            Pairs += (end > 0 ? text[end - 1] : last) == (byte)'\r' ? 1 : 0;
            LineFeeds++;
            last = (byte)'\n';
            text = text[(end + 1)..];
        }
        last = text.IsEmpty ? last : text[^1];
    }

    private static int ValidPrefix(ReadOnlySpan<byte> text)
    {
        var start = 0;
        while (Rune.DecodeFromUtf8(text[start..], out _, out var consumed) == OperationStatus.Done)
        {
            start += consumed;
        }
        return start;
    }

    /// <summary>Bytes of a character that the next buffer completes.</summary>
    private static int IncompleteTail(ReadOnlySpan<byte> text)
    {
        for (var tail = 1; tail <= Math.Min(3, text.Length); tail++)
        {
            var lead = text[^tail];
            if ((lead & 0b1100_0000) == 0b1000_0000)
            {
                continue;
            }
            var needed = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
            return needed > tail ? tail : 0;
        }
        return 0;
    }

    /// <summary>An object with a member, or an array of objects or arrays: no header of a CSV begins so.</summary>
    private static bool IsJson(ReadOnlySpan<byte> head)
    {
        head = head.StartsWith("\uFEFF"u8) ? head[3..].Trim(" \t\r\n"u8) : head.Trim(" \t\r\n"u8);
        if (head.IsEmpty || head[0] is not ((byte)'{' or (byte)'['))
        {
            return false;
        }
        var within = head[1..].TrimStart(" \t\r\n"u8);
        return !within.IsEmpty && (head[0] == (byte)'{' ? within[0] == (byte)'"' : within[0] is (byte)'{' or (byte)'[');
    }

    private static async Task<byte[]> ReadHeadAsync(string path, CancellationToken cancel)
    {
        await using var content = File.OpenRead(path);
        var head = new byte[64];
        var read = await content.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancel);
        return head[..read];
    }

    /// <summary>A byte that is no UTF-8.</summary>
    /// <param name="Line">Where it is.</param>
    /// <param name="Byte">The byte.</param>
    /// <param name="AfterUtf8">True where letters in UTF-8 stand before it: then the text is UTF-8, and damaged.</param>
    /// <param name="IsUndefined">True where bytes follow that Windows-1252 does not have either.</param>
    private sealed record ForeignByte(long Line, byte Byte, bool AfterUtf8, bool IsUndefined);
}

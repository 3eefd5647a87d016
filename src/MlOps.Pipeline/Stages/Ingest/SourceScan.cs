using System.Buffers;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Stages.Ingest;

internal enum SourceFormat
{
    Csv,
    Parquet,
}

/// <summary>What one pass over a raw file's bytes tells: its identity, its format, and a UTF-8 text to read where it is text.</summary>
internal sealed class SourceScan : IDisposable
{
    private const int BufferBytes = 1 << 20;

    private string? temporary;

    private SourceScan(SourceFormat format, string sha256, string path)
    {
        Format = format;
        Sha256 = sha256;
        Path = path;
    }

    public SourceFormat Format { get; }

    /// <summary>SHA-256 of the file as it is, 64 hex digits.</summary>
    public string Sha256 { get; }

    /// <summary>The file to read: the original, or its unpacked or transcoded copy.</summary>
    public string Path { get; private set; }

    /// <summary>Longest line of the text in bytes.</summary>
    public long LongestLine { get; private set; }

    /// <exception cref="InputException">The file is empty, or no text, or text in an encoding that is not supported.</exception>
    public static async Task<SourceScan> RunAsync(SourceFile source, string workFolder, CancellationToken cancel)
    {
        var head = await ReadHeadAsync(source.Path, cancel);
        if (head.Length == 0)
        {
            throw new InputException($"{source.Name} is empty (0 bytes). Give a CSV or Parquet file with a header and rows.");
        }
        if (head.AsSpan().StartsWith("PAR1"u8))
        {
            return new SourceScan(SourceFormat.Parquet, await HashAsync(source.Path, cancel), source.Path);
        }
        if (head.AsSpan().StartsWith("PK\x03\x04"u8))
        {
            throw new InputException($"{source.Name} is a zip archive or an Excel workbook, not a CSV. Unpack it, or save the sheet as CSV (UTF-8).");
        }
        var scan = new SourceScan(SourceFormat.Csv, await HashAsync(source.Path, cancel), source.Path);
        try
        {
            await scan.ToUtf8Async(source, head, workFolder, cancel);
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

    private async Task ToUtf8Async(SourceFile source, byte[] head, string workFolder, CancellationToken cancel)
    {
        if (head.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b]))
        {
            await ReplaceAsync(workFolder, async copy => await UnpackAsync(source, copy, cancel));
            head = await ReadHeadAsync(Path, cancel);
        }
        if (Utf16Of(head) is { } encoding)
        {
            await ReplaceAsync(workFolder, async copy => await TranscodeAsync(Path, encoding, copy, cancel));
        }
        await CheckTextAsync(source.Name, cancel);
    }

    private static async Task UnpackAsync(SourceFile source, string copy, CancellationToken cancel)
    {
        try
        {
            await using var packed = new GZipStream(File.OpenRead(source.Path), CompressionMode.Decompress);
            await using var unpacked = File.Create(copy);
            await packed.CopyToAsync(unpacked, cancel);
        }
        catch (InvalidDataException damaged)
        {
            throw new InputException($"{source.Name} is a damaged gzip file ({damaged.Message}). Compress it again, or give the CSV itself.", damaged);
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

    private async Task CheckTextAsync(string name, CancellationToken cancel)
    {
        await using var content = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            long line = 1, lineBytes = 0;
            int kept = 0, read;
            while ((read = await content.ReadAsync(buffer.AsMemory(kept, BufferBytes - kept), cancel)) > 0)
            {
                var length = kept + read;
                kept = content.Position == content.Length ? 0 : IncompleteTail(buffer.AsSpan(0, length));
                var text = buffer.AsSpan(0, length - kept);
                CheckText(name, text, line);
                MeasureLines(text, ref line, ref lineBytes);
                buffer.AsSpan(length - kept, kept).CopyTo(buffer);
            }
            LongestLine = Math.Max(LongestLine, lineBytes);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void CheckText(string name, ReadOnlySpan<byte> text, long line)
    {
        var zero = text.IndexOf((byte)0);
        if (zero >= 0)
        {
            throw new InputException(
                $"{name} is no text file: line {line + text[..zero].Count((byte)'\n')} has a zero byte. Give a CSV (UTF-8 or UTF-16) or a Parquet file.");
        }
        if (!Utf8.IsValid(text))
        {
            var valid = ValidPrefix(text);
            throw new InputException(
                $"{name} is not UTF-8: line {line + text[..valid].Count((byte)'\n')} has the byte 0x{text[valid]:X2}. Save it as UTF-8 (or UTF-16) and "
                    + $"try again.");
        }
    }

    private void MeasureLines(ReadOnlySpan<byte> text, ref long line, ref long lineBytes)
    {
        int end;
        while ((end = text.IndexOf((byte)'\n')) >= 0)
        {
            LongestLine = Math.Max(LongestLine, lineBytes + end + 1);
            lineBytes = 0;
            line++;
            text = text[(end + 1)..];
        }
        lineBytes += text.Length;
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

    private static async Task<byte[]> ReadHeadAsync(string path, CancellationToken cancel)
    {
        await using var content = File.OpenRead(path);
        var head = new byte[64];
        var read = await content.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, cancel);
        return head[..read];
    }

    private static async Task<string> HashAsync(string path, CancellationToken cancel)
    {
        await using var content = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, BufferBytes);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancel));
    }
}

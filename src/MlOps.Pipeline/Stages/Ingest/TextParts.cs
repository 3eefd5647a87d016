namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>Cuts a text between its lines into parts that several threads read at once.</summary>
internal static class TextParts
{
    /// <summary>A smaller part is read before another thread has begun.</summary>
    private const int SmallestBytes = 1 << 20;

    private const int Buffer = 1 << 16;

    /// <summary>
    /// As many parts as there are threads; one where a line feed may stand within a cell (the text has quotes), or where it is not all that ends a line.
    /// </summary>
    /// <param name="scan">The text.</param>
    /// <param name="dialect">How it is written.</param>
    /// <param name="threads">How many may read at once.</param>
    /// <param name="smallest">Bytes that a part has at least.</param>
    public static IReadOnlyList<TextPart> Of(SourceScan scan, CsvDialect dialect, int threads, int smallest = SmallestBytes)
    {
        if (scan.HasQuotes || dialect is not { Quote: (byte)'"', LineEnd: (byte)'\n' } || scan.CarriageReturns != scan.Pairs)
        {
            return [TextPart.Whole];
        }
        using var text = scan.Open();
        var count = (int)Math.Min(threads, text.Length / smallest);
        var parts = new List<TextPart>();
        var start = 0L;
        for (var i = 1; i < count; i++)
        {
            var end = AfterLine(text, Math.Max(start, text.Length / count * i));
            if (end < text.Length)
            {
                parts.Add(new TextPart(start, end - start, false));
                start = end;
            }
        }
        parts.Add(start == 0 ? TextPart.Whole : new TextPart(start, text.Length - start, true));
        return parts;
    }

    /// <summary>Where the line after a place starts.</summary>
    private static long AfterLine(FileStream text, long place)
    {
        text.Position = place;
        var buffer = new byte[Buffer];
        while (text.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) is > 0 and var read)
        {
            if (buffer.AsSpan(0, read).IndexOf((byte)'\n') is >= 0 and var found)
            {
                return place + found + 1;
            }
            place += read;
        }
        return place;
    }
}

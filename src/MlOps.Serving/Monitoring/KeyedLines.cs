using System.Text.Json;

namespace MlOps.Serving.Monitoring;

/// <summary>The lines of the prediction log that have one key.</summary>
internal sealed class KeyedLines(string key)
{
    /// <summary>As <see cref="LineWriter"/> writes it: a line without these bytes need not be read.</summary>
    private readonly byte[] member =
        [.. "\""u8, .. JsonEncodedText.Encode(LoggedRow.Key).EncodedUtf8Bytes, .. "\":\""u8, .. JsonEncodedText.Encode(key).EncodedUtf8Bytes, .. "\""u8];

    public bool AreIn(BinaryData content)
    {
        foreach (var line in LinesOf(content))
        {
            if (IsOne(line.Span))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Writes the key's lines; returns their number.</summary>
    public async Task<long> WriteAsync(BinaryData content, Stream output, CancellationToken cancel)
    {
        var rows = 0L;
        foreach (var line in LinesOf(content))
        {
            if (IsOne(line.Span))
            {
                await output.WriteAsync(line, cancel);
                rows++;
            }
        }
        return rows;
    }

    /// <summary>The other lines, and the number of the key's.</summary>
    public (BinaryData Kept, long Rows) Without(BinaryData content)
    {
        var kept = new MemoryStream(content.ToMemory().Length);
        var rows = 0L;
        foreach (var line in LinesOf(content))
        {
            if (IsOne(line.Span))
            {
                rows++;
            }
            else
            {
                kept.Write(line.Span);
            }
        }
        return (new BinaryData(kept.GetBuffer().AsMemory(0, (int)kept.Length)), rows);
    }

    /// <summary>A column of the row may be named as the key is: only the line's own member counts.</summary>
    private bool IsOne(ReadOnlySpan<byte> line)
    {
        if (line.IndexOf(member) < 0)
        {
            return false;
        }
        var reader = new Utf8JsonReader(line);
        try
        {
            while (reader.Read())
            {
                if (reader is { TokenType: JsonTokenType.PropertyName, CurrentDepth: 1 } && reader.ValueTextEquals(LoggedRow.Key))
                {
                    return reader.Read() && reader.TokenType == JsonTokenType.String && reader.ValueTextEquals(key);
                }
            }
        }
        catch (JsonException)
        {
            // A line that was cut, by a host that died: nobody can read it.
        }
        return false;
    }

    /// <summary>With their line ends.</summary>
    private static IEnumerable<ReadOnlyMemory<byte>> LinesOf(BinaryData content)
    {
        var rest = content.ToMemory();
        while (rest.Length > 0)
        {
            var end = rest.Span.IndexOf((byte)'\n');
            var length = end < 0 ? rest.Length : end + 1;
            yield return rest[..length];
            rest = rest[length..];
        }
    }
}

using System.Buffers;
using System.Buffers.Text;
using System.Runtime.InteropServices;
using System.Text.Json;
using MlOps.Pipeline.Scoring;

namespace MlOps.Serving.Monitoring;

/// <summary>Writes predicted rows as lines of the log. Used again for the next request, so that a row costs little more than the copying of its
/// bytes.</summary>
internal sealed class LineWriter
{
    /// <summary>A writer that has grown larger is not kept.</summary>
    private const int MostKept = 256 * 1024;

    private const int LongestNumber = 32;

    [ThreadStatic]
    private static LineWriter? idle;

    private static readonly byte[] ProbabilityMember = [.. ",\""u8, .. Utf8(LoggedRow.Probability), .. "\":"u8];
    private static readonly byte[] KeyMember = [.. ",\""u8, .. Utf8(LoggedRow.Key), .. "\":"u8];
    private static readonly byte[] FeaturesMember = [.. ",\""u8, .. Utf8(LoggedRow.Features), .. "\":"u8];

    private readonly ArrayBufferWriter<byte> lines = new();
    private readonly ArrayBufferWriter<byte> head = new();
    private readonly Dictionary<string, JsonEncodedText> labels = new(StringComparer.Ordinal);

    public int Bytes => lines.WrittenCount;

    /// <summary>A writer of this thread, until it is returned.</summary>
    public static LineWriter Rent()
    {
        var writer = idle ?? new LineWriter();
        idle = null;
        return writer;
    }

    public static void Return(LineWriter writer)
    {
        if (writer.lines.Capacity <= MostKept)
        {
            writer.lines.ResetWrittenCount();
            idle = writer;
        }
    }

    /// <summary>Begins the lines of one request: what they have in common.</summary>
    public void Begin(DateTimeOffset at, string model, int version, string variant)
    {
        head.ResetWrittenCount();
        labels.Clear();
        using (var json = new Utf8JsonWriter(head))
        {
            json.WriteStartObject();
            json.WriteString(LoggedRow.At, LoggedRow.TimeText(at));
            json.WriteString(LoggedRow.Model, model);
            json.WriteNumber(LoggedRow.Version, version);
            json.WriteString(LoggedRow.Variant, variant);
            json.WritePropertyName(LoggedRow.Prediction);
        }
    }

    /// <summary>Adds a row's line.</summary>
    /// <param name="row">The row as it was sent. The model has taken it, so it holds the signature's columns and no others.</param>
    /// <param name="prediction">What was predicted.</param>
    /// <param name="key">Whom or what the row is about; null when the caller did not say.</param>
    public void Add(JsonElement row, Prediction prediction, string? key)
    {
        lines.Write(head.WrittenSpan);
        if (prediction.Label is { } label)
        {
            WriteText(label);
            lines.Write(ProbabilityMember);
        }
        WriteNumber(prediction.Score);
        if (key is not null)
        {
            lines.Write(KeyMember);
            lines.Write("\""u8);
            lines.Write(JsonEncodedText.Encode(key).EncodedUtf8Bytes);
            lines.Write("\""u8);
        }
        lines.Write(FeaturesMember);
        WriteOnOneLine(JsonMarshal.GetRawUtf8Value(row));
        lines.Write("}\n"u8);
    }

    /// <summary>Takes the lines added so far.</summary>
    public byte[] Take()
    {
        var taken = lines.WrittenSpan.ToArray();
        lines.ResetWrittenCount();
        return taken;
    }

    private static ReadOnlySpan<byte> Utf8(string text) => System.Text.Encoding.UTF8.GetBytes(text);

    private void WriteText(string label)
    {
        if (!labels.TryGetValue(label, out var encoded))
        {
            labels[label] = encoded = JsonEncodedText.Encode(label);
        }
        lines.Write("\""u8);
        lines.Write(encoded.EncodedUtf8Bytes);
        lines.Write("\""u8);
    }

    /// <summary>NaN and infinities are no JSON numbers.</summary>
    private void WriteNumber(double value)
    {
        if (!double.IsFinite(value))
        {
            lines.Write("null"u8);
            return;
        }
        var place = lines.GetSpan(LongestNumber);
        Utf8Formatter.TryFormat(value, place, out var written);
        lines.Advance(written);
    }

    /// <summary>Line breaks stand in JSON only between tokens, where a space does as well.</summary>
    private void WriteOnOneLine(ReadOnlySpan<byte> json)
    {
        var place = lines.GetSpan(json.Length)[..json.Length];
        json.CopyTo(place);
        if (place.IndexOfAny((byte)'\n', (byte)'\r') >= 0)
        {
            place.Replace((byte)'\n', (byte)' ');
            place.Replace((byte)'\r', (byte)' ');
        }
        lines.Advance(json.Length);
    }
}

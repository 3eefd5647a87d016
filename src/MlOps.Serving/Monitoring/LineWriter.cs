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

    private static readonly byte[] AtMember = Member(LoggedRow.At);
    private static readonly byte[] ModelMember = Member(LoggedRow.Model);
    private static readonly byte[] VersionMember = Member(LoggedRow.Version);
    private static readonly byte[] VariantMember = Member(LoggedRow.Variant);
    private static readonly byte[] MillisecondsMember = Member(LoggedRow.Milliseconds);
    private static readonly byte[] PredictionMember = Member(LoggedRow.Prediction);
    private static readonly byte[] ProbabilityMember = Member(LoggedRow.Probability);
    private static readonly byte[] KeyMember = Member(LoggedRow.Key);
    private static readonly byte[] IdMember = Member(LoggedRow.Id);
    private static readonly byte[] IntervalMember = Member(LoggedRow.Interval);
    private static readonly byte[] SetMember = Member(LoggedRow.Set);
    private static readonly byte[] FailedMember = Member(LoggedRow.Failed);
    private static readonly byte[] FeaturesMember = Member(LoggedRow.Features);

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
    public void Begin(DateTimeOffset at, AnsweredRows answered)
    {
        head.ResetWrittenCount();
        labels.Clear();
        head.Write("{"u8);
        head.Write(AtMember.AsSpan(1));
        WriteWord(head, LoggedRow.TimeText(at));
        head.Write(ModelMember);
        WriteWord(head, answered.Served.Model);
        head.Write(VersionMember);
        WriteNumber(head, answered.Served.Version);
        head.Write(VariantMember);
        WriteWord(head, answered.Variant);
        head.Write(MillisecondsMember);
        WriteNumber(head, Math.Round(answered.Took.TotalMilliseconds, 3));
        head.Write(PredictionMember);
    }

    /// <summary>Adds a row's line. The model has taken the row, so it holds the signature's columns and no others.</summary>
    public void Add(AnsweredRows answered, int row)
    {
        lines.Write(head.WrittenSpan);
        if (answered.Predictions is { } predictions)
        {
            WritePrediction(predictions[row]);
        }
        else
        {
            lines.Write("null"u8);
            lines.Write(FailedMember);
            lines.Write("true"u8);
        }
        lines.Write(IdMember);
        WriteWord(lines, answered.Asked.IdOf(row));
        if (answered.Asked.Keys?[row] is { } key)
        {
            lines.Write(KeyMember);
            WriteText(key);
        }
        WriteRange(answered.Ranges, row);
        lines.Write(FeaturesMember);
        WriteOnOneLine(JsonMarshal.GetRawUtf8Value(answered.Asked.Rows[row]));
        lines.Write("}\n"u8);
    }

    private void WritePrediction(Prediction prediction)
    {
        if (prediction.Label is { } label)
        {
            WriteLabel(label);
            lines.Write(ProbabilityMember);
        }
        WriteNumber(lines, prediction.Score);
    }

    private void WriteRange(PredictionRanges? ranges, int row)
    {
        if (ranges?.Intervals is { } intervals)
        {
            lines.Write(IntervalMember);
            lines.Write("["u8);
            WriteNumber(lines, intervals[row].Low);
            lines.Write(","u8);
            WriteNumber(lines, intervals[row].High);
            lines.Write("]"u8);
        }
        if (ranges?.Sets is { } sets)
        {
            lines.Write(SetMember);
            lines.Write("["u8);
            for (var i = 0; i < sets[row].Count; i++)
            {
                lines.Write(i == 0 ? ""u8 : ","u8);
                WriteLabel(sets[row][i]);
            }
            lines.Write("]"u8);
        }
    }

    /// <summary>Takes the lines added so far.</summary>
    public byte[] Take()
    {
        var taken = lines.WrittenSpan.ToArray();
        lines.ResetWrittenCount();
        return taken;
    }

    private static byte[] Member(string name) => [.. ",\""u8, .. System.Text.Encoding.UTF8.GetBytes(name), .. "\":"u8];

    /// <summary>Labels are few, and are written again and again.</summary>
    private void WriteLabel(string label)
    {
        if (!labels.TryGetValue(label, out var encoded))
        {
            labels[label] = encoded = JsonEncodedText.Encode(label);
        }
        Write(encoded);
    }

    /// <summary>Ids, times and names have nothing to escape.</summary>
    private static void WriteWord(ArrayBufferWriter<byte> into, string word)
    {
        into.Write("\""u8);
        into.Advance(System.Text.Encoding.ASCII.GetBytes(word, into.GetSpan(word.Length)));
        into.Write("\""u8);
    }

    private void WriteText(string text) => Write(JsonEncodedText.Encode(text));

    private void Write(JsonEncodedText encoded)
    {
        lines.Write("\""u8);
        lines.Write(encoded.EncodedUtf8Bytes);
        lines.Write("\""u8);
    }

    /// <summary>NaN and infinities are no JSON numbers.</summary>
    private static void WriteNumber(ArrayBufferWriter<byte> into, double value)
    {
        if (!double.IsFinite(value))
        {
            into.Write("null"u8);
            return;
        }
        Utf8Formatter.TryFormat(value, into.GetSpan(LongestNumber), out var written);
        into.Advance(written);
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

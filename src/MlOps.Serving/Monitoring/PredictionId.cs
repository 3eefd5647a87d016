using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace MlOps.Serving.Monitoring;

/// <summary>
/// Names what was predicted: a UUID of version 7 (RFC 9562), which begins with the time, for the only row of a request; <c>{request}-{row}</c>, from 0, for
/// one of several. The hour of the log in which a prediction stands is read from its id.
/// </summary>
public static class PredictionId
{
    private const int RequestLength = 36;
    private const int MostDigits = 9;
    private const int StockLength = 4096;

    [ThreadStatic]
    private static byte[]? drawn;

    [ThreadStatic]
    private static int left;

    /// <summary>A request's id: a UUID of version 7 (RFC 9562), of its time to the millisecond and 74 random bits.</summary>
    public static string New(DateTimeOffset at)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, at.ToUnixTimeMilliseconds() << 16);
        Draw(bytes[6..]);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x70);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true).ToString();
    }

    /// <summary>Random bytes, of many drawn together: each draw is a call of the system, and would cost a prediction more than its trees do.</summary>
    private static void Draw(Span<byte> bytes)
    {
        var stock = drawn ??= new byte[StockLength];
        if (left < bytes.Length)
        {
            RandomNumberGenerator.Fill(stock);
            left = StockLength;
        }
        left -= bytes.Length;
        stock.AsSpan(left, bytes.Length).CopyTo(bytes);
    }

    /// <summary>A row's id.</summary>
    /// <param name="request">The request's id.</param>
    /// <param name="row">The row's place among several.</param>
    public static string Of(string request, int row) => string.Create(CultureInfo.InvariantCulture, $"{request}-{row}");

    /// <summary>When it was predicted, to the millisecond; null when the text is no id.</summary>
    public static DateTimeOffset? TimeOf(string id)
    {
        if (id.Length < RequestLength || !Guid.TryParseExact(id.AsSpan(0, RequestLength), "D", out var request) || request.Version != 7
            || !IsRow(id.AsSpan(RequestLength)))
        {
            return null;
        }
        Span<byte> bytes = stackalloc byte[16];
        request.TryWriteBytes(bytes, bigEndian: true, out _);
        var milliseconds = 0L;
        foreach (var part in bytes[..6])
        {
            milliseconds = (milliseconds << 8) | part;
        }
        return milliseconds < DateTimeOffset.MaxValue.ToUnixTimeMilliseconds() ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : null;
    }

    private static bool IsRow(ReadOnlySpan<char> text) =>
        text.IsEmpty || (text.Length is > 1 and <= MostDigits + 1 && text[0] == '-' && !text[1..].ContainsAnyExceptInRange('0', '9'));
}

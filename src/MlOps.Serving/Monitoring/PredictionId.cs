using System.Globalization;

namespace MlOps.Serving.Monitoring;

/// <summary>
/// Names what was predicted: a UUID of version 7 (RFC 9562), which begins with the time, for the only row of a request; <c>{request}-{row}</c>, from 0, for
/// one of several. The hour of the log in which a prediction stands is read from its id.
/// </summary>
public static class PredictionId
{
    private const int RequestLength = 36;
    private const int MostDigits = 9;

    public static string New(DateTimeOffset at) => Guid.CreateVersion7(at).ToString();

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

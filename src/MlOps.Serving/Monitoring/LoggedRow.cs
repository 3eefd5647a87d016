using System.Globalization;

namespace MlOps.Serving.Monitoring;

/// <summary>
/// What a line of the prediction log is made of: who writes it and who reads it must agree.
/// <code>{"at":"2026-11-24T13:05:00.000000Z","model":"m","version":3,"variant":"production","ms":0.021,"prediction":16.9,"id":"…","features":{…}}</code>
/// Classes also have a <c>probability</c>, rows that were sent with a key a <c>key</c>, and where an interval was asked for it is there, or the <c>set</c>
/// of classes. A challenger that could not answer has no prediction, and is <c>failed</c>.
/// </summary>
public static class LoggedRow
{
    public const string At = "at";
    public const string Model = "model";
    public const string Version = "version";
    public const string Variant = "variant";
    public const string Prediction = "prediction";
    public const string Probability = "probability";
    public const string Key = "key";
    public const string Id = "id";
    public const string Milliseconds = "ms";
    public const string Interval = "interval";
    public const string Set = "set";
    public const string Failed = "failed";
    public const string Features = "features";

    /// <summary>A time as it stands in a line: such texts sort as their times do.</summary>
    public static string TimeText(DateTimeOffset time)
    {
        // The round-trip format, which is written several times as fast as one of ours, without its last digit: microseconds.
        Span<char> text = stackalloc char[28];
        time.UtcDateTime.TryFormat(text, out var length, "O", CultureInfo.InvariantCulture);
        text[length - 2] = 'Z';
        return new string(text[..(length - 1)]);
    }
}

/// <summary>Which logged rows are meant.</summary>
/// <param name="Version">Those that this version predicted,</param>
/// <param name="From">at this time or later,</param>
/// <param name="Until">and before this one.</param>
public sealed record LiveWindow(int Version, DateTimeOffset From, DateTimeOffset Until);

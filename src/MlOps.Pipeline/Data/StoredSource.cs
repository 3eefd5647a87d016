using System.Globalization;

namespace MlOps.Pipeline.Data;

/// <summary>A dataset version as the source of a run.</summary>
public static class StoredSource
{
    private const string Prefix = "datasets/";

    public static string Of(string id) => Prefix + id;

    /// <summary>The version; null when the source is a file.</summary>
    public static string? IdOf(string source) =>
        source.StartsWith(Prefix, StringComparison.Ordinal) && source[Prefix.Length..] is { Length: 32 } id && id.All(char.IsAsciiHexDigitLower) ? id : null;
}

/// <summary>Predictions as the source of a raw dataset version: <c>predictions/{model}/{from}/{until}</c>.</summary>
public static class LoggedSource
{
    public const string Prefix = "predictions/";

    private const string TimeFormat = "yyyy-MM-ddTHH:mm:ssZ";

    /// <param name="model">Whose predictions.</param>
    /// <param name="from">From this time on,</param>
    /// <param name="until">and before this one: a second that has begun is in it.</param>
    public static string Of(string model, DateTimeOffset from, DateTimeOffset until) =>
        $"{Prefix}{model}/{TimeText(from)}/{TimeText(until.AddTicks(TimeSpan.TicksPerSecond - 1))}";

    /// <summary>A time as such a source has it: whole seconds, UTC.</summary>
    public static string TimeText(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    /// <summary>The time of the predictions; null when the source is something else.</summary>
    public static (DateTimeOffset From, DateTimeOffset Until)? TimeOf(string source) =>
        source.StartsWith(Prefix, StringComparison.Ordinal) && source.Split('/') is [_, _, var from, var until]
            && TryRead(from, out var start) && TryRead(until, out var end)
            ? (start, end)
            : null;

    private static bool TryRead(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParseExact(text, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time);
}

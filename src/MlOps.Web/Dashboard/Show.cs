using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Components;
using MlOps.Pipeline.Tracking;

namespace MlOps.Web.Dashboard;

/// <summary>How pages write numbers, times and sizes.</summary>
internal static class Show
{
    private static readonly string[] Units = ["bytes", "KB", "MB", "GB", "TB"];

    /// <summary>Five digits, whatever the size.</summary>
    public static string Number(double value) =>
        Math.Abs(value) is >= 100_000 and < 1e15 ? value.ToString("N0", CultureInfo.InvariantCulture) : value.ToString("G5", CultureInfo.InvariantCulture);

    /// <summary>The 95 % interval of a metric, where its run logged one.</summary>
    public static string Interval(IReadOnlyDictionary<string, double>? logged, string metric) =>
        logged?.TryGetValue(IntervalMetrics.Low + metric, out var low) == true && logged.TryGetValue(IntervalMetrics.High + metric, out var high)
            ? $"{Number(low)} to {Number(high)}"
            : "";

    public static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    public static string Percent(double share) => share.ToString("0.#%", CultureInfo.InvariantCulture);

    public static string Bytes(long bytes)
    {
        var (size, unit) = ((double)bytes, 0);
        while (size >= 1000 && unit < Units.Length - 1)
        {
            (size, unit) = (size / 1000, unit + 1);
        }
        return size.ToString(unit == 0 ? "0" : "0.#", CultureInfo.InvariantCulture) + " " + Units[unit];
    }

    public static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 10 } => span.TotalSeconds.ToString("0.00 s", CultureInfo.InvariantCulture),
        { TotalMinutes: < 2 } => span.TotalSeconds.ToString("0 s", CultureInfo.InvariantCulture),
        { TotalHours: < 2 } => span.TotalMinutes.ToString("0 min", CultureInfo.InvariantCulture),
        { TotalDays: < 2 } => span.TotalHours.ToString("0.# h", CultureInfo.InvariantCulture),
        _ => span.TotalDays.ToString("0.# days", CultureInfo.InvariantCulture),
    };

    public static string Seconds(double? seconds) => seconds is { } known ? Span(TimeSpan.FromSeconds(known)) : "";

    /// <summary>As everybody reads it who reads this page's text; the script shows it in the reader's own zone.</summary>
    public static string Utc(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);

    /// <summary>A time that the script writes in the reader's own zone.</summary>
    public static MarkupString Time(DateTimeOffset? at) => at is { } known
        ? (MarkupString)$"<time datetime=\"{known.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)}\">{Utc(known)}</time>"
        : (MarkupString)"<span class=\"none\">–</span>";

    /// <summary>A cell of a table.</summary>
    public static string Cell(object? value) => value switch
    {
        null => "–",
        bool flag => flag ? "true" : "false",
        DateTime time => time.ToString(time.TimeOfDay == TimeSpan.Zero ? "yyyy-MM-dd" : "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    /// <summary>The beginning of a hash, which is enough for people.</summary>
    public static string Short(string id) => id.Length <= 12 ? id : id[..12];

    /// <summary>An enum's name in one word, as in JSON and for a style.</summary>
    public static string Word<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();

    /// <summary>An enum's name in words.</summary>
    public static string Words<T>(T value) where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString()).Replace('-', ' ');
}

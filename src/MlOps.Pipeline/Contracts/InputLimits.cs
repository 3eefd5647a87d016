using System.Globalization;
using System.Numerics;
using Microsoft.Extensions.Configuration;

namespace MlOps.Pipeline.Contracts;

/// <summary>
/// How much is taken of what comes from outside. What is beyond is refused with a sentence that names the limit and its setting, <c>Limits:…</c>
/// (<c>Limits__…</c> in the environment).
/// </summary>
public sealed record InputLimits
{
    /// <summary>What storage takes of one blob in blocks of the size that uploads use.</summary>
    private const long MostFileBytes = 195L << 30;

    /// <summary>Largest JSON body, in bytes.</summary>
    public int JsonBytes { get; init; } = 16 << 20;

    /// <summary>Deepest nesting of a JSON body.</summary>
    public int JsonDepth { get; init; } = 64;

    /// <summary>Most rows of one request for predictions, and most predictions that one tells the outcome of.</summary>
    public int RequestRows { get; init; } = 10_000;

    /// <summary>Largest body of rows that are predicted as they arrive (CSV, JSON lines), in bytes.</summary>
    public long StreamBytes { get; init; } = 16L << 30;

    /// <summary>Longest that a request may take in seconds, its body included; uploads, downloads, streams and deletions take as long as they need.</summary>
    public int RequestSeconds { get; init; } = 100;

    /// <summary>Fewest bytes a second that a body may come with.</summary>
    public int BytesPerSecond { get; init; } = 240;

    /// <summary>Largest file that is uploaded over HTTP, in bytes.</summary>
    public long FileBytes { get; init; } = MostFileBytes;

    /// <summary>Most columns of a file, or of a row that is to be predicted.</summary>
    public int Columns { get; init; } = 10_000;

    /// <summary>Most rows of a file.</summary>
    public long FileRows { get; init; } = 10_000_000_000;

    /// <summary>Longest row of a CSV, in bytes.</summary>
    public int RowBytes { get; init; } = 16 << 20;

    /// <summary>How many times as large as a packed file its content may be; up to 64 MiB of content are always fine.</summary>
    public int Expansion { get; init; } = 200;

    /// <summary>Most bytes that a packed file may unpack to.</summary>
    public long UnpackedBytes { get; init; } = 200L << 30;

    /// <summary>How the setting of a limit is named in the environment.</summary>
    /// <param name="limit">The property's name.</param>
    public static string Setting(string limit) => $"Limits__{limit}";

    /// <summary>Reads a host's settings; those that are not set keep their defaults.</summary>
    /// <exception cref="InputException">One is no number within its range.</exception>
    public static InputLimits Read(IConfiguration configuration)
    {
        const int MostBuffer = 1 << 28;
        var usual = new InputLimits();
        return new InputLimits
        {
            JsonBytes = Of(configuration, nameof(JsonBytes), usual.JsonBytes, 1024, MostBuffer),
            JsonDepth = Of(configuration, nameof(JsonDepth), usual.JsonDepth, 8, 1000),
            RequestRows = Of(configuration, nameof(RequestRows), usual.RequestRows, 1, 10_000_000),
            StreamBytes = Of(configuration, nameof(StreamBytes), usual.StreamBytes, 1, long.MaxValue),
            RequestSeconds = Of(configuration, nameof(RequestSeconds), usual.RequestSeconds, 1, 86_400),
            BytesPerSecond = Of(configuration, nameof(BytesPerSecond), usual.BytesPerSecond, 1, 1 << 30),
            FileBytes = Of(configuration, nameof(FileBytes), usual.FileBytes, 1, MostFileBytes),
            Columns = Of(configuration, nameof(Columns), usual.Columns, 1, 1_000_000),
            FileRows = Of(configuration, nameof(FileRows), usual.FileRows, 1, 1_000_000_000_000),
            RowBytes = Of(configuration, nameof(RowBytes), usual.RowBytes, 1024, MostBuffer),
            Expansion = Of(configuration, nameof(Expansion), usual.Expansion, 1, 1_000_000),
            UnpackedBytes = Of(configuration, nameof(UnpackedBytes), usual.UnpackedBytes, 1, long.MaxValue),
        };
    }

    /// <exception cref="InputException">A request has more rows, or whatever it calls them, than are taken at once.</exception>
    public void RejectTooMany(int count, string what)
    {
        if (count > RequestRows)
        {
            throw new InputException(string.Create(
                CultureInfo.InvariantCulture,
                $"The request has {count:N0} {what}; {RequestRows:N0} are the most at once. Send several requests, or raise the setting "
                    + $"{Setting(nameof(RequestRows))}."));
        }
    }

    private static T Of<T>(IConfiguration configuration, string limit, T usual, T least, T most)
        where T : IBinaryInteger<T>
    {
        if (configuration[$"Limits:{limit}"] is not { Length: > 0 } text)
        {
            return usual;
        }
        return T.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most
            ? value
            : throw new InputException(string.Create(
                CultureInfo.InvariantCulture, $"The setting {Setting(limit)} is '{text}'; it must be a whole number from {least} to {most}."));
    }
}

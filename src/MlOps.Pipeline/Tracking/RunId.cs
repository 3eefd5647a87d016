using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MlOps.Pipeline.Tracking;

/// <summary>
/// Run ids are <c>{model}-{yyyyMMddHHmmssfff}-{hex digits}</c>: they sort by time within a model, name their model, and are valid as blob path, table
/// key and engine instance id, which has 100 characters at most. Six digits tell the runs of a millisecond apart. What is made from a cause has sixteen
/// (<see cref="Of"/>): thousands of files may land within the one second that storage tells.
/// </summary>
public static class RunId
{
    private const int TimeLength = 1 + 17 + 1;
    private const int DigitsOfCause = 16;

    private static readonly int[] Digits = [6, DigitsOfCause];

    public static string New(string model, DateTimeOffset now) => string.Create(
        CultureInfo.InvariantCulture, $"{model}-{now.UtcDateTime:yyyyMMddHHmmssfff}-{RandomNumberGenerator.GetHexString(6, lowercase: true)}");

    /// <summary>The id of the run that a cause starts: the same for the same cause.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="at">When the cause came about.</param>
    /// <param name="cause">What tells it from other causes at that time.</param>
    public static string Of(string model, DateTimeOffset at, string cause)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(cause)));
        return string.Create(CultureInfo.InvariantCulture, $"{model}-{at.UtcDateTime:yyyyMMddHHmmssfff}-{hash.AsSpan(0, DigitsOfCause)}");
    }

    /// <summary>The model's name within a run id; null when the text is no run id.</summary>
    public static string? ModelOf(string runId)
    {
        foreach (var digits in Digits)
        {
            var start = runId.Length - TimeLength - digits;
            if (start > 0 && IsSuffix(runId.AsSpan(start)))
            {
                return runId[..start];
            }
        }
        return null;
    }

    /// <summary>The time within a run id; null when the text is no run id.</summary>
    public static DateTimeOffset? TimeOf(string runId) =>
        ModelOf(runId) is { } model && DateTimeOffset.TryParseExact(
            runId.AsSpan(model.Length + 1, TimeLength - 2), "yyyyMMddHHmmssfff", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
            ? at
            : null;

    private static bool IsSuffix(ReadOnlySpan<char> suffix) =>
        suffix[0] == '-' && suffix[TimeLength - 1] == '-' && suffix[1..(TimeLength - 1)].IndexOfAnyExceptInRange('0', '9') < 0;
}

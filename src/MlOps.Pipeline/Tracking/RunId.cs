using System.Globalization;
using System.Security.Cryptography;

namespace MlOps.Pipeline.Tracking;

/// <summary>
/// Run ids are <c>{model}-{yyyyMMddHHmmssfff}-{6 hex digits}</c>: they sort by time within a model, name their model, and are valid
/// as blob path, table key and engine instance id.
/// </summary>
public static class RunId
{
    private const int SuffixLength = 1 + 17 + 1 + 6;

    public static string New(string model, DateTimeOffset now) => string.Create(
        CultureInfo.InvariantCulture, $"{model}-{now.UtcDateTime:yyyyMMddHHmmssfff}-{RandomNumberGenerator.GetHexString(6, lowercase: true)}");

    /// <summary>The model's name within a run id; null when the text is no run id.</summary>
    public static string? ModelOf(string runId)
    {
        if (runId.Length <= SuffixLength)
        {
            return null;
        }
        var suffix = runId.AsSpan(runId.Length - SuffixLength);
        var wellFormed = suffix[0] == '-' && suffix[18] == '-' && suffix[1..18].IndexOfAnyExceptInRange('0', '9') < 0;
        return wellFormed ? runId[..^SuffixLength] : null;
    }
}

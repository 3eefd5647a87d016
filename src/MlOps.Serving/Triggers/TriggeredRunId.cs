using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MlOps.Pipeline.Tracking;

namespace MlOps.Serving.Triggers;

/// <summary>
/// Ids of runs that a trigger starts, made from what they are started by: a trigger that dies between starting a run and remembering it
/// starts the same run again, which does nothing.
/// </summary>
internal static class TriggeredRunId
{
    /// <summary>An id in the form of <see cref="RunId"/>.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="at">When the cause came about.</param>
    /// <param name="cause">What tells it from other causes at that time.</param>
    public static string For(string model, DateTimeOffset at, string cause)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(cause)));
        return string.Create(CultureInfo.InvariantCulture, $"{model}-{at.UtcDateTime:yyyyMMddHHmmssfff}-{hash.AsSpan(0, 6)}");
    }
}

using System.Text.RegularExpressions;

namespace MlOps.Pipeline.Tracking;

/// <summary>
/// Takes keys out of texts. Nothing of ours writes one; this is for what a host's own trainer, check or channel logs, and for what a library says.
/// </summary>
internal static partial class SecretTexts
{
    private const string Hidden = "(hidden)";

    /// <summary>The text with the value of all that opens something replaced.</summary>
    public static string Hide(string text) =>
        new[] { Credentials, Named, WebhookPath, UserInfo }.Aggregate(text, (shown, secret) => secret.Replace(shown, $"$1{Hidden}"));

    /// <summary>What has a name that says so: parts of connection strings, of signed addresses, of headers and settings.</summary>
    [GeneratedRegex(
        """((?:AccountKey|SharedAccess\w+|\w*password|\bpwd|\w*secret|\w*api[_-]?key|\w*token|[?&]sig|[?&]code)["']?\s*[=:]\s*["']?)[^\s;&"',]+""",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Named { get; }

    [GeneratedRegex(@"(\b(?:Bearer|Basic|SharedKey)\s+)[\w\-.~+/=:]{8,}", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Credentials { get; }

    /// <summary>Who knows the path of such an address may write there.</summary>
    [GeneratedRegex("""(https://hooks\.[^\s/"']+/)[^\s"']+""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex WebhookPath { get; }

    /// <summary>Name and password before a host.</summary>
    [GeneratedRegex("""(://)[^\s/@:"']+:[^\s/@"']+(?=@)""", RegexOptions.CultureInvariant)]
    private static partial Regex UserInfo { get; }
}

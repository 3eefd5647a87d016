using System.Security.Cryptography;
using System.Text;

namespace MlOps.Serving.Monitoring;

/// <summary>Whom or what a predicted row is about, as the caller names it: a customer's number, say.</summary>
public static class RowKey
{
    private const int Longest = 200;
    private const int FingerprintBytes = 8;

    /// <summary>Null when it may be a key, else what is wrong with it.</summary>
    public static string? ProblemOf(string key) =>
        key.Length is 0 or > Longest || key.Any(char.IsControl) ? $"must have 1 to {Longest} characters, and no control character." : null;

    /// <summary>Tells who knows a key that it is meant, and nobody else which it is: the audit trail is kept for good.</summary>
    public static string FingerprintOf(string key) =>
        $"key sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, FingerprintBytes))}";
}

using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace MlOps.Web.Access;

/// <summary>
/// A key as its bearer has it: <c>mlops_ID_SECRET</c>. The prefix is for scanners of leaked secrets. The secret has 256 random bits, so its hash
/// needs neither salt nor a slow function.
/// </summary>
internal static class AccessKeyText
{
    public const string Prefix = "mlops_";

    private const int IdLength = 10;
    private const int SecretBytes = 32;
    private const string IdLetters = "abcdefghijkmnpqrstuvwxyz23456789";

    private static readonly SearchValues<char> IdCharacters = SearchValues.Create(IdLetters);

    public static (string Id, string Text) Make()
    {
        var id = RandomNumberGenerator.GetString(IdLetters, IdLength);
        return (id, $"{Prefix}{id}_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes))}");
    }

    /// <summary>The id in a key; null when it is none of ours.</summary>
    public static string? IdOf(string text) =>
        text.Length > Prefix.Length + IdLength + 1 && text.StartsWith(Prefix, StringComparison.Ordinal) && text[Prefix.Length + IdLength] == '_'
        && text.AsSpan(Prefix.Length, IdLength).IndexOfAnyExcept(IdCharacters) < 0
            ? text.Substring(Prefix.Length, IdLength)
            : null;

    public static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}

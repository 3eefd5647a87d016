using System.Buffers.Text;
using System.Text;

namespace MlOps.Pipeline.Contracts;

/// <summary>Where a list goes on, as callers get it: they hand it back as it is.</summary>
public static class PageToken
{
    /// <param name="place">The list's own word for the place.</param>
    public static string Write(string place) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(place));

    /// <exception cref="InputException">It is no token.</exception>
    public static string Read(string token)
    {
        try
        {
            return new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true).GetString(Base64Url.DecodeFromChars(token));
        }
        catch (Exception malformed) when (malformed is FormatException or ArgumentException)
        {
            throw NoToken(token);
        }
    }

    /// <summary>What a list says of a token that is not its own.</summary>
    public static InputException NoToken(string token) =>
        new($"next is '{token}', which no answer of this list has said. Begin again without it.");
}

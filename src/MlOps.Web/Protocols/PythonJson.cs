using System.Buffers;

namespace MlOps.Web.Protocols;

/// <summary>
/// JSON as Python's <c>json</c> writes and reads it: with <c>NaN</c>, <c>Infinity</c> and <c>-Infinity</c> as numbers
/// (https://docs.python.org/3/library/json.html#infinite-and-nan-number-values).
/// </summary>
internal static class PythonJson
{
    /// <summary>The same in JSON's own words: null for NaN, a number that no double holds for infinities.</summary>
    public static ReadOnlyMemory<byte> ToStrict(ReadOnlyMemory<byte> json)
    {
        var text = json.Span;
        if (text.IndexOf("NaN"u8) < 0 && text.IndexOf("Infinity"u8) < 0)
        {
            return json;
        }
        var strict = new ArrayBufferWriter<byte>(text.Length);
        var (from, place, quoted) = (0, 0, false);
        while (place < text.Length)
        {
            var rest = text[place..];
            var isNaN = !quoted && rest.StartsWith("NaN"u8);
            if (isNaN || (!quoted && rest.StartsWith("Infinity"u8)))
            {
                strict.Write(text[from..place]);
                strict.Write(isNaN ? "null"u8 : "1e999"u8);
                from = place += isNaN ? "NaN".Length : "Infinity".Length;
                continue;
            }
            quoted ^= text[place] == (byte)'"';
            place += quoted && text[place] == (byte)'\\' ? 2 : 1;
        }
        strict.Write(text[from..]);
        return strict.WrittenMemory;
    }

    /// <summary>A number in Python's words, where JSON has none.</summary>
    public static string? WordOf(double value) => value switch
    {
        double.NaN => "NaN",
        double.PositiveInfinity => "Infinity",
        double.NegativeInfinity => "-Infinity",
        _ => null,
    };
}

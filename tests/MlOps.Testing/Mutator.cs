using System.Text;

namespace MlOps.Testing;

/// <summary>Makes hostile input out of valid input: a few random changes of the kinds that break readers. The same seed makes the same.</summary>
public sealed class Mutator(Random random)
{
    private static readonly byte[][] Tokens =
    [
        "\""u8.ToArray(), "\"\""u8.ToArray(), "'"u8.ToArray(), "\0"u8.ToArray(), "\r"u8.ToArray(), "\r\n"u8.ToArray(), "\n\n"u8.ToArray(), "\r\r\n"u8.ToArray(),
        "\v"u8.ToArray(), "\u2028"u8.ToArray(), "\ufeff"u8.ToArray(), [0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x81],
        ","u8.ToArray(), ";"u8.ToArray(), "\t"u8.ToArray(), "|"u8.ToArray(), ",,,,,,,,"u8.ToArray(), "\\"u8.ToArray(), "\\u0000"u8.ToArray(),
        "\\ud800"u8.ToArray(),
        "{"u8.ToArray(), "}"u8.ToArray(), "["u8.ToArray(), "]"u8.ToArray(), ":"u8.ToArray(), "null"u8.ToArray(), "true"u8.ToArray(), "NaN"u8.ToArray(),
        "-1"u8.ToArray(), "1e999"u8.ToArray(), "-0"u8.ToArray(), "99999999999999999999999999"u8.ToArray(), "0x1F"u8.ToArray(), "1e-400"u8.ToArray(),
        "9999-99-99"u8.ToArray(), "0000-00-00T99:99:99Z"u8.ToArray(), "'; DROP TABLE t; --"u8.ToArray(), "<script>alert(1)</script>"u8.ToArray(),
        "../"u8.ToArray(), "..\\"u8.ToArray(), "%2e%2e%2f"u8.ToArray(), "%00"u8.ToArray(), "%"u8.ToArray(), "\u202e"u8.ToArray(), "e\u0301"u8.ToArray(),
        "😀"u8.ToArray(),
        "sep=;\n"u8.ToArray(), "PAR1"u8.ToArray(), [0x1f, 0x8b], "PK\x03\x04"u8.ToArray(), "$type"u8.ToArray(), "__proto__"u8.ToArray(), "{0}"u8.ToArray(),
        "%s%n"u8.ToArray(),
    ];

    /// <summary>One change mostly, at most four.</summary>
    public byte[] Change(ReadOnlySpan<byte> valid)
    {
        var bytes = new List<byte>(valid.ToArray());
        for (var changes = random.Next(3) > 0 ? 1 : random.Next(2, 5); changes > 0; changes--)
        {
            Change(bytes);
        }
        return [.. bytes];
    }

    /// <summary>The same of a text; what is no UTF-8 any more is replaced.</summary>
    public string Change(string valid) => Encoding.UTF8.GetString(Change(Encoding.UTF8.GetBytes(valid)));

    private void Change(List<byte> bytes)
    {
        var place = random.Next(bytes.Count + 1);
        var length = random.Next(1, 1 + Math.Min(random.Next(4) == 0 ? 10_000 : 20, Math.Max(1, bytes.Count - place)));
        switch (random.Next(10))
        {
            case 0 or 1 when place < bytes.Count:
                bytes[place] ^= (byte)(1 << random.Next(8));
                break;
            case 2 when place < bytes.Count:
                bytes[place] = (byte)random.Next(256);
                break;
            case 3 when random.Next(3) == 0:
                bytes.RemoveRange(place, bytes.Count - place);
                break;
            case 4 when place + length <= bytes.Count:
                bytes.RemoveRange(place, length);
                break;
            case 5 when place + length <= bytes.Count:
                bytes.InsertRange(random.Next(bytes.Count + 1), bytes.GetRange(place, length));
                break;
            case 6 when random.Next(4) == 0:
                bytes.InsertRange(place, Enumerable.Repeat((byte)"x9[{\" ,\n"[random.Next(8)], 1 << random.Next(4, 18)));
                break;
            case 7 when place + 4 <= bytes.Count:
                // A length or a count that is far too large.
                bytes.RemoveRange(place, 4);
                bytes.InsertRange(place, BitConverter.GetBytes(random.Next(2) == 0 ? int.MaxValue : -random.Next(1, 100)));
                break;
            default:
                bytes.InsertRange(place, Tokens[random.Next(Tokens.Length)]);
                break;
        }
    }
}

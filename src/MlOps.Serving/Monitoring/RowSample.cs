using System.IO.Hashing;
using System.Text;
using System.Text.Json;

namespace MlOps.Serving.Monitoring;

/// <summary>
/// Which rows are kept where a share of them is (<c>monitor.sample</c>): by a hash of the row's key, or of its id where it has none, the same on every host. So
/// all rows of a key are kept or none, and what production, a challenger and a shadow said of a row stays together. A smaller share keeps some of what a
/// larger one keeps.
/// </summary>
internal static class RowSample
{
    /// <summary>Another hash than the one by which traffic is split: each version keeps the same share of its rows.</summary>
    private const long Seed = 0x73616D706C65;

    public static bool Keeps(double share, string? key, string id) => share >= 1 || UnitOf(Encoding.UTF8.GetBytes(key ?? id)) < share;

    /// <summary>Those of some lines that are kept.</summary>
    public static LoggedLines Thin(LoggedLines lines, double share)
    {
        var (kept, rows) = (new MemoryStream(lines.Lines.Length), 0);
        ReadOnlySpan<byte> rest = lines.Lines;
        while (rest.Length > 0)
        {
            var end = rest.IndexOf((byte)'\n');
            var length = end < 0 ? rest.Length : end + 1;
            if (Keeps(share, rest[..length]))
            {
                kept.Write(rest[..length]);
                rows++;
            }
            rest = rest[length..];
        }
        return lines with { Rows = rows, Lines = kept.ToArray(), Share = share };
    }

    private static bool Keeps(double share, ReadOnlySpan<byte> line)
    {
        var (key, id) = (default(string), "");
        var reader = new Utf8JsonReader(line);
        while (reader.Read() && !(reader is { TokenType: JsonTokenType.PropertyName, CurrentDepth: 1 } && reader.ValueTextEquals(LoggedRow.Features)))
        {
            if (reader is { TokenType: JsonTokenType.PropertyName, CurrentDepth: 1 })
            {
                var (isKey, isId) = (reader.ValueTextEquals(LoggedRow.Key), reader.ValueTextEquals(LoggedRow.Id));
                reader.Read();
                (key, id) = (isKey ? reader.GetString() : key, isId ? reader.GetString()! : id);
            }
        }
        return Keeps(share, key, id);
    }

    private static double UnitOf(ReadOnlySpan<byte> text) => (XxHash3.HashToUInt64(text, Seed) >> 11) * (1.0 / (1UL << 53));
}

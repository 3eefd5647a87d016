using System.Text;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>What may stand beside a number or a date so that people still see one.</summary>
internal static class UnitText
{
    /// <summary>Letters before a number make a code of it; these do not.</summary>
    private static readonly byte[][] Before =
        [.. new[] { "=\"", "=", "\"", "'", "~", "<", ">", "<=", ">=", "≈", "≤", "≥", "±" }.Select(Encoding.UTF8.GetBytes)];

    private static readonly byte[][] Halves = [.. new[] { "", "AM", "PM", "A.M.", "P.M." }.Select(Encoding.UTF8.GetBytes)];

    public static bool IsBefore(ReadOnlySpan<byte> text) => NullTexts.Contains(Before, CellText.Trim(text));

    /// <summary>Whether something of it stands before the number.</summary>
    public static bool BeginsBefore(byte[] unit) => Array.Exists(Before, mark => unit.AsSpan().StartsWith(mark));

    /// <summary>True of AM and PM, and of nothing.</summary>
    public static bool IsHalfOfADay(ReadOnlySpan<byte> text)
    {
        foreach (var half in Halves)
        {
            if (Ascii.EqualsIgnoreCase(text, half))
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>How it is shown: what stands before, an ellipsis for the number where there is something on both sides, what stands behind.</summary>
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> before, ReadOnlySpan<byte> behind)
    {
        var first = CellText.Trim(before);
        if (first.IsEmpty || behind.IsEmpty)
        {
            return first.IsEmpty ? behind : first;
        }
        byte[] both = [.. first, .. "…"u8, .. behind];
        return both;
    }
}

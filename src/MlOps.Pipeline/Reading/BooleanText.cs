using System.Text;

namespace MlOps.Pipeline.Reading;

/// <summary>Spellings of a boolean, letter case aside.</summary>
internal static class BooleanText
{
    /// <summary>True and false as words: what makes a column boolean that nobody has described.</summary>
    public static bool IsWord(ReadOnlySpan<byte> cell) =>
        Ascii.EqualsIgnoreCase(cell, "true"u8) || Ascii.EqualsIgnoreCase(cell, "false"u8);

    /// <summary>true, yes, y, t, on, 1, and their opposites.</summary>
    public static bool TryRead(ReadOnlySpan<byte> cell, out bool value)
    {
        value = Is(cell, "true"u8) || Is(cell, "yes"u8) || Is(cell, "y"u8) || Is(cell, "t"u8) || Is(cell, "on"u8) || Is(cell, "1"u8) || Is(cell, "1.0"u8);
        return value || Is(cell, "false"u8) || Is(cell, "no"u8) || Is(cell, "n"u8) || Is(cell, "f"u8) || Is(cell, "off"u8) || Is(cell, "0"u8)
            || Is(cell, "0.0"u8);
    }

    private static bool Is(ReadOnlySpan<byte> cell, ReadOnlySpan<byte> spelling) => cell.Length == spelling.Length && Ascii.EqualsIgnoreCase(cell, spelling);
}

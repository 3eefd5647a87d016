using System.Runtime.CompilerServices;

namespace MlOps.Pipeline.Reading;

/// <summary>What all cells have in common.</summary>
internal static class CellText
{
    /// <summary>The characters that <see cref="Trim"/> takes off, for DuckDB's <c>trim</c>.</summary>
    public const string Blanks = " \t\r\n\u00a0";

    /// <summary>Without the blanks (space, tab, line ends, no-break space) on both sides.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> cell) =>
        cell.IsEmpty || (cell[0] is > 0x20 and not 0xc2 && cell[^1] is > 0x20 and not 0xa0) ? cell : TrimBlanks(cell);

    private static ReadOnlySpan<byte> TrimBlanks(ReadOnlySpan<byte> cell)
    {
        while (!cell.IsEmpty && BlankAtStart(cell) is > 0 and var length)
        {
            cell = cell[length..];
        }
        while (!cell.IsEmpty && BlankAtEnd(cell) is > 0 and var length)
        {
            cell = cell[..^length];
        }
        return cell;
    }

    private static int BlankAtStart(ReadOnlySpan<byte> cell) =>
        cell[0] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' ? 1 : cell.StartsWith("\u00a0"u8) ? 2 : 0;

    private static int BlankAtEnd(ReadOnlySpan<byte> cell) =>
        cell[^1] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' ? 1 : cell.EndsWith("\u00a0"u8) ? 2 : 0;
}

namespace MlOps.Explain;

/// <summary>Writes <paramref name="count"/> rows from <paramref name="start"/> on, slot by slot, row after row.</summary>
public delegate void FillRows(int start, int count, Span<float> rows);

/// <summary>Rows that are worked on together.</summary>
public static class RowBlocks
{
    private const int Numbers = 1 << 17;

    /// <summary>Rows of a block: few enough for the processor's cache, many enough to go through the trees for.</summary>
    public static int Size(int slots) => Math.Clamp(Numbers / Math.Max(slots, 1), 16, 512);
}

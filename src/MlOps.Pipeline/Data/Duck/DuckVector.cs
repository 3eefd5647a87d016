using System.Runtime.CompilerServices;

namespace MlOps.Pipeline.Data.Duck;

/// <summary>A column of one DuckDB chunk, read or written in place. Valid only while its chunk is.</summary>
internal readonly unsafe struct DuckVector(void* data, ulong* validity)
{
    private const int LongestInlineText = 12;

    /// <summary>The values; those of null cells mean nothing.</summary>
    public Span<T> Values<T>(int rows)
        where T : unmanaged => new(data, rows);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsNull(int row) => validity != null && (validity[row >> 6] & (1UL << (row & 63))) == 0;

    /// <summary>Marks a cell null; the vector's validity must be writable.</summary>
    public void SetNull(int row) => validity[row >> 6] &= ~(1UL << (row & 63));

    /// <summary>The UTF-8 bytes of a VARCHAR cell.</summary>
    public ReadOnlySpan<byte> Utf8(int row)
    {
        // duckdb_string_t: a 32-bit length, then up to 12 bytes of text, or a 4-byte prefix and a pointer.
        var cell = (byte*)data + (row * 16L);
        var length = *(int*)cell;
        return new ReadOnlySpan<byte>(length <= LongestInlineText ? cell + 4 : *(byte**)(cell + 8), length);
    }
}

using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>
/// Counts the short cells that a column has over and over, so that each is looked at once and not at every row: most columns are categories, or numbers
/// of few digits. What was counted is known to the survey after <see cref="Settle()"/>.
/// </summary>
/// <param name="survey">What the column's cells look like.</param>
/// <param name="columns">Columns of the table: the more there are, the fewer cells of each are remembered.</param>
internal sealed class RepeatedCells(ColumnSurvey survey, int columns)
{
    private const int Longest = 15;
    private const int MostOfTable = 1 << 14;
    private const int MostOfColumn = 1 << 10;
    private const int FewestOfColumn = 1 << 4;

    private readonly Seen[] places = new Seen[Math.Clamp((int)BitOperations.RoundUpToPowerOf2((uint)(MostOfTable / columns)), FewestOfColumn, MostOfColumn)];

    /// <param name="raw">The cell.</param>
    /// <param name="line">Where it is, from 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(ReadOnlySpan<byte> raw, long line)
    {
        if (raw.IsEmpty || raw.Length > Longest || survey.IsSampling)
        {
            survey.Add(raw, line);
            return;
        }
        var (first, others) = KeyOf(raw);
        ref var place = ref places[PlaceOf(first, others)];
        if (place.First == first && place.Others == others)
        {
            place.Times++;
            return;
        }
        Settle(ref place);
        (place.First, place.Others) = (first, others);
        survey.Add(raw, line);
    }

    /// <summary>Tells the survey what was counted since.</summary>
    public void Settle()
    {
        foreach (ref var place in places.AsSpan())
        {
            Settle(ref place);
        }
    }

    private void Settle(ref Seen place)
    {
        if (place.Times == 0)
        {
            return;
        }
        Span<byte> cell = stackalloc byte[Longest + 1];
        BinaryPrimitives.WriteUInt64LittleEndian(cell, place.First);
        BinaryPrimitives.WriteUInt64LittleEndian(cell[8..], place.Others);
        survey.Add(cell[..cell[Longest]], line: 0, place.Times);
        place.Times = 0;
    }

    /// <summary>The cell's bytes, and its length as the last one: no two cells have the same, and none has zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (ulong First, ulong Others) KeyOf(ReadOnlySpan<byte> cell)
    {
        var length = cell.Length;
        var last = (ulong)length << 56;
        if (length > 8)
        {
            // The last eight bytes, without those that are among the first eight.
            var end = BinaryPrimitives.ReadUInt64LittleEndian(cell[(length - 8)..]);
            return (BinaryPrimitives.ReadUInt64LittleEndian(cell), last | (end >> (8 * (16 - length))));
        }
        if (length >= 4)
        {
            var tail = BinaryPrimitives.ReadUInt32LittleEndian(cell[(length - 4)..]);
            return (BinaryPrimitives.ReadUInt32LittleEndian(cell) | ((ulong)tail << (8 * (length - 4))), last);
        }
        return ((ulong)cell[0] | ((ulong)cell[length / 2] << (8 * (length / 2))) | ((ulong)cell[length - 1] << (8 * (length - 1))), last);
    }

    private int PlaceOf(ulong first, ulong others) => (int)(((first ^ (others * 0x9E3779B97F4A7C15UL)) * 0xBF58476D1CE4E5B9UL) >> 40) & (places.Length - 1);

    private struct Seen
    {
        public ulong First;
        public ulong Others;
        public long Times;
    }
}

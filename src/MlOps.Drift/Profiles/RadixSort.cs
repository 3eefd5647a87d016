using System.Runtime.InteropServices;

namespace MlOps.Drift.Profiles;

/// <summary>Sorts numbers by their bits, eleven at a time from the lowest: several times faster than comparing, for what fits into the cache.</summary>
internal static class RadixSort
{
    private const int DigitBits = 11;
    private const int Digits = 6;
    private const int Radix = 1 << DigitBits;
    private const int WorthIt = 1024;
    private const ulong Sign = 1UL << 63;

    /// <param name="values">Numbers without NaN; sorted in place.</param>
    /// <param name="scratch">Room for as many, left with anything in it.</param>
    public static void Sort(Span<double> values, Span<double> scratch)
    {
        if (values.Length < WorthIt)
        {
            values.Sort();
            return;
        }
        var from = MemoryMarshal.Cast<double, ulong>(values);
        var to = MemoryMarshal.Cast<double, ulong>(scratch)[..from.Length];
        Span<int> counts = new int[Digits * Radix];
        for (var i = 0; i < from.Length; i++)
        {
            var key = from[i] = ToKey(from[i]);
            for (var digit = 0; digit < Digits; digit++)
            {
                counts[(digit * Radix) + DigitOf(key, digit)]++;
            }
        }
        var isSwapped = false;
        for (var digit = 0; digit < Digits; digit++)
        {
            var places = counts.Slice(digit * Radix, Radix);
            if (places[DigitOf(from[0], digit)] == from.Length)
            {
                continue;
            }
            Scatter(from, to, places, digit);
            var swap = from;
            from = to;
            to = swap;
            isSwapped = !isSwapped;
        }
        var sorted = isSwapped ? to : from;
        for (var i = 0; i < from.Length; i++)
        {
            sorted[i] = FromKey(from[i]);
        }
    }

    private static void Scatter(ReadOnlySpan<ulong> from, Span<ulong> to, Span<int> places, int digit)
    {
        var next = 0;
        for (var i = 0; i < places.Length; i++)
        {
            (places[i], next) = (next, next + places[i]);
        }
        foreach (var key in from)
        {
            to[places[DigitOf(key, digit)]++] = key;
        }
    }

    private static int DigitOf(ulong key, int digit) => (int)(key >> (digit * DigitBits)) & (Radix - 1);

    /// <summary>Unsigned keys in the order of the numbers: the sign bit turned for positive ones, all bits for negative ones.</summary>
    private static ulong ToKey(ulong bits) => bits ^ ((ulong)((long)bits >> 63) | Sign);

    private static ulong FromKey(ulong key) => key ^ ((ulong)(~(long)key >> 63) | Sign);
}

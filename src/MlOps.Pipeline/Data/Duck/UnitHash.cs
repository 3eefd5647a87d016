using System.Runtime.CompilerServices;
using DuckDB.NET.Data;
using DuckDB.NET.Native;

namespace MlOps.Pipeline.Data.Duck;

/// <summary>The SQL function <c>unit_hash(hash, seed)</c>: maps a hash evenly into [0, 1), differently for every seed.</summary>
internal static class UnitHash
{
    public const string FunctionName = "unit_hash";

    public static void Register(DuckDBConnection connection) =>
        DuckFunction.Register(connection, FunctionName, [DuckDBType.UnsignedBigInt, DuckDBType.UnsignedBigInt], DuckDBType.Double, Compute);

    /// <summary>The finaliser of SplitMix64 (Steele, Lea and Flood, 2014) over hash + seed · golden ratio, as a fraction of 2^53.</summary>
    public static double Of(ulong hash, ulong seed)
    {
        var z = hash + ((seed + 1) * 0x9E3779B97F4A7C15UL);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        z ^= z >> 31;
        return (z >> 11) * (1.0 / (1UL << 53));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Compute(ReadOnlySpan<DuckVector> inputs, ReadOnlySpan<DuckDBType> types, DuckVector output, int rows)
    {
        var hashes = inputs[0].Values<ulong>(rows);
        var seeds = inputs[1].Values<ulong>(rows);
        var units = output.Values<double>(rows);
        for (var i = 0; i < rows; i++)
        {
            units[i] = Of(hashes[i], seeds[i]);
        }
    }
}

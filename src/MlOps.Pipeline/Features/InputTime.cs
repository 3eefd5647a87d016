using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using DuckDB.NET.Data;
using DuckDB.NET.Native;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Features;

/// <summary>The one way in which a caller's datetime is read: by the scorer, and as the SQL function <c>input_time(text)</c> where rows that were
/// scored are read again.</summary>
internal static class InputTime
{
    public const string FunctionName = "input_time";

    /// <summary>Microseconds since 1970; a text without an offset is taken as it stands, as in the data.</summary>
    public static bool TryRead(ReadOnlySpan<char> text, out double microseconds)
    {
        var parsed = DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time);
        microseconds = parsed ? (time - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond : double.NaN;
        return parsed;
    }

    /// <summary>Takes a VARCHAR and gives a TIMESTAMP, null for what is none.</summary>
    public static void Register(DuckDBConnection connection) =>
        DuckFunction.Register(connection, FunctionName, [DuckDBType.Varchar], DuckDBType.Timestamp, Compute);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Compute(ReadOnlySpan<DuckVector> inputs, ReadOnlySpan<DuckDBType> types, DuckVector output, int rows)
    {
        var results = output.Values<long>(rows);
        for (var i = 0; i < rows; i++)
        {
            if (!inputs[0].IsNull(i) && TryRead(Encoding.UTF8.GetString(inputs[0].Utf8(i)), out var microseconds))
            {
                results[i] = (long)microseconds;
            }
            else
            {
                output.SetNull(i);
            }
        }
    }
}

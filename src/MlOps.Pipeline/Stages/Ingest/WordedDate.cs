namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>What is a date to people and not to the reader, which knows the English names of months and days: <c>3 février 2024</c>.</summary>
internal static class WordedDate
{
    private const int Shortest = 8;
    private const int Longest = 48;
    private const int FewestLetters = 3;
    private const int MostWords = 4;

    /// <summary>True of a day, a year of four digits and some words, in any order, with or without a time of day behind.</summary>
    public static bool Is(ReadOnlySpan<byte> cell)
    {
        if (cell.Length is < Shortest or > Longest || cell.IndexOfAnyInRange((byte)'0', (byte)'9') < 0)
        {
            return false;
        }
        var (days, years, words, longest) = (0, 0, 0, 0);
        foreach (var range in cell.SplitAny(" -/.,"u8))
        {
            var part = cell[range];
            if (part.IsEmpty || (years > 0 && days > 0 && words > 0 && IsTime(part)))
            {
                continue;
            }
            if (part.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0)
            {
                days += part.Length is 1 or 2 && int.Parse(part) is >= 1 and <= 31 ? 1 : 0;
                years += part.Length == 4 && part[0] is (byte)'1' or (byte)'2' ? 1 : 0;
                if (part.Length is not (1 or 2 or 4))
                {
                    return false;
                }
            }
            else if (part.ContainsAnyInRange((byte)'!', (byte)'@'))
            {
                return false;
            }
            else
            {
                words++;
                longest = Math.Max(longest, part.Length);
            }
        }
        return days == 1 && years == 1 && words is >= 1 and <= MostWords && longest >= FewestLetters;
    }

    private static bool IsTime(ReadOnlySpan<byte> part) =>
        part.Contains((byte)':') && part.IndexOfAnyExceptInRange((byte)'0', (byte)':') < 0;
}

using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Data;

/// <summary>Makes column names usable: none empty, none twice (letter case aside), none of those the pipeline keeps for itself.</summary>
internal static class ColumnNames
{
    /// <summary>Names the first column of a row that could not be read.</summary>
    public const string Unparseable = "__unparseable";

    private static readonly string[] Reserved = [RowHash.ColumnName, Unparseable, "__part", "file_row_number", "filename"];

    public static IReadOnlyList<string> Unique(IReadOnlyList<string> header, List<Warning> warnings)
    {
        var taken = new HashSet<string>(Reserved, StringComparer.OrdinalIgnoreCase);
        var names = new List<string>(header.Count);
        foreach (var (original, position) in header.Select((name, i) => (name.Trim(), i + 1)))
        {
            var wanted = original.Length == 0 ? string.Create(CultureInfo.InvariantCulture, $"column_{position}") : original;
            var name = wanted;
            for (var n = 2; !taken.Add(name); n++)
            {
                name = string.Create(CultureInfo.InvariantCulture, $"{wanted}_{n}");
            }
            if (name != original)
            {
                var text = original.Length == 0
                    ? $"Column {position} has no name; it is called '{name}'."
                    : $"The column name '{original}' is taken already; column {position} is called '{name}'.";
                warnings.Add(new Warning(WarningCodes.RenamedColumn, text)
                {
                    Column = name,
                    Example = original.Length == 0 ? null : Warning.Shorten(original),
                });
            }
            names.Add(name);
        }
        return names;
    }
}

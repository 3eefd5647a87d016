using System.Text;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Stages.Promote;

/// <summary>What the cells of new data mean, and what production takes the same texts for.</summary>
internal static class CellDifferences
{
    private const int MostShown = 3;

    /// <summary>A warning for each column of production that the new data was read otherwise in.</summary>
    /// <param name="data">The new data, which has all columns of production.</param>
    /// <param name="production">How production reads.</param>
    /// <param name="version">Production's number.</param>
    /// <param name="examples">Cells that show how columns of the new data are written.</param>
    public static IEnumerable<Warning> Tell(
        DatasetManifest data, Featurizer production, int version, IReadOnlyDictionary<string, ColumnExample> examples)
    {
        var columns = data.Columns.ToDictionary(column => column.Name, StringComparer.Ordinal);
        foreach (var input in production.Inputs)
        {
            var example = examples.GetValueOrDefault(input.Name);
            var differences = Of(columns[input.Name], input, version, example).ToList();
            if (differences.Count > 0)
            {
                yield return new Warning(
                    WarningCodes.ReadOtherwise,
                    $"Column '{input.Name}' is read otherwise than production reads it: {string.Join(", ", differences)}; the comparison "
                    + "is by the new reading.")
                {
                    Column = input.Name,
                    Line = example?.Line,
                    Example = example?.Cell,
                    Headline = true,
                };
            }
        }
    }

    /// <summary>The texts that one reading takes for a missing value and another does not.</summary>
    public static IReadOnlyList<string> Nulls(StorageType type, CellFormat? one, CellFormat? other) =>
        [.. NullTexts.Of(type, one).Select(Encoding.UTF8.GetString).Except(NullTexts.Of(type, other).Select(Encoding.UTF8.GetString))];

    private static IEnumerable<string> Of(DatasetColumn column, FeatureInput input, int version, ColumnExample? example)
    {
        var (mine, theirs) = (column.Cells ?? new CellFormat(), input.Cells ?? new CellFormat());
        if (Nulls(column.Type, mine, theirs) is { Count: > 0 } missing)
        {
            yield return $"no value in the new data, but one to version {version}, is {Shown(missing)}";
        }
        if (Nulls(column.Type, theirs, mine) is { Count: > 0 } values)
        {
            yield return $"a value in the new data, but none to version {version}, is {Shown(values)}";
        }
        if (column.Type == StorageType.Double && mine.Numbers != theirs.Numbers)
        {
            yield return $"numbers are written as {Name((CellPattern)mine.Numbers)}{example} in the new data, and as "
                + $"{Name((CellPattern)theirs.Numbers)} to version {version}";
        }
        if (column.Type == StorageType.Timestamp && mine.Dates != theirs.Dates)
        {
            yield return $"dates are written as {Name(CellPattern.Ymd + (int)mine.Dates)}{example} in the new data, and as "
                + $"{Name(CellPattern.Ymd + (int)theirs.Dates)} to version {version}";
        }
    }

    private static string Name(CellPattern pattern) => DefinitionNames.Patterns.NameOf(pattern);

    private static string Shown(IReadOnlyList<string> texts) => string.Join(", ", texts.Take(MostShown).Select(text => $"'{Warning.Shorten(text)}'"))
        + (texts.Count > MostShown ? $" or one of {texts.Count - MostShown} more" : "");
}

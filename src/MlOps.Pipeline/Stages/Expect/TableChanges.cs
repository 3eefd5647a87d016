using System.Globalization;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Expect;

/// <summary>What is expected of a table beside an earlier one: neither is read for it.</summary>
internal static class TableChanges
{
    /// <summary>What each expectation came to, by name: see <see cref="ExpectOutcomes"/>.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Outcomes(PipelineDefinition definition, DatasetManifest raw, EarlierTable? earlier)
    {
        if (definition.Expect.Rows is { } rows)
        {
            yield return new(Expectation.Rows, Compare(earlier, (version, before) => RowsOf(rows, raw, version, before)));
        }
        if (definition.Expect.SameColumns is not null)
        {
            yield return new(Expectation.SameColumns, Compare(earlier, (version, before) => ColumnsOf(definition, raw, version, before)));
        }
    }

    private static string Compare(EarlierTable? earlier, Func<int, DatasetManifest, string> compare) => earlier switch
    {
        null => $"{ExpectOutcomes.NotCompared}this is the model's first version.",
        { Raw: null } => $"{ExpectOutcomes.NotCompared}the table of version {earlier.Version} is gone.",
        { Raw: { } before } => compare(earlier.Version, before),
    };

    private static string RowsOf(RowCountRule rule, DatasetManifest raw, int version, DatasetManifest before)
    {
        var ratio = (double)raw.Rows / before.Rows;
        return !(ratio < rule.Min) && !(ratio > rule.Max)
            ? ExpectOutcomes.Holds
            : string.Create(
                CultureInfo.InvariantCulture,
                $"there are {raw.Rows:N0} rows, {ratio:G3} times the {before.Rows:N0} of version {version} (expected: "
                    + $"{Expectation.Between(rule.Min, rule.Max)})");
    }

    private static string ColumnsOf(PipelineDefinition definition, DatasetManifest raw, int version, DatasetManifest before)
    {
        var (now, then) = (Used(raw), Used(before));
        List<string> changes =
        [
            .. then.Keys.Where(name => !now.ContainsKey(name)).Order(StringComparer.Ordinal).Select(name => $"'{name}' is gone"),
            .. now.Keys.Where(name => !then.ContainsKey(name)).Order(StringComparer.Ordinal).Select(name => $"'{name}' is new"),
            .. now.Where(column => then.TryGetValue(column.Key, out var old) && old.Type != column.Value.Type)
                .OrderBy(column => column.Key, StringComparer.Ordinal)
                .Select(column => $"'{column.Key}' is {NameOf(column.Value)} and was {NameOf(then[column.Key])}"),
        ];
        return changes.Count == 0 ? ExpectOutcomes.Holds : $"the columns are not those of version {version}: {string.Join(", ", changes)}";

        Dictionary<string, DatasetColumn> Used(DatasetManifest table) =>
            table.Columns.Where(column => definition.Columns.GetValueOrDefault(column.Name)?.Ignore != true)
                .ToDictionary(column => column.Name, StringComparer.Ordinal);

        static string NameOf(DatasetColumn column) => DefinitionNames.Kinds.NameOf(column.Kind);
    }
}

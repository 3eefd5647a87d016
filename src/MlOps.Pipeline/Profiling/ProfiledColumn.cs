using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Profiling;

/// <summary>A column to profile, and how its cells are read.</summary>
public sealed record ProfiledColumn(string Name, bool IsNumeric, string Sql)
{
    /// <summary>
    /// The model's columns of a features table, computed ones included, then the target; without the calendar's own parts, which move with
    /// every new batch.
    /// </summary>
    public static IReadOnlyList<ProfiledColumn> Of(DatasetManifest features)
    {
        var target = TargetColumn.Of(features);
        var stored = features.Columns.ToDictionary(column => column.Name, StringComparer.Ordinal);
        var plan = FeaturePlan.Of(features);
        var calendar = plan.Derived
            .Where(feature => feature.IsBuiltIn && feature.Function is BuiltInFunctions.Year or BuiltInFunctions.Month or BuiltInFunctions.Day)
            .Select(feature => feature.Name).ToHashSet(StringComparer.Ordinal);
        var inputs = plan.Features.Where(feature => stored.ContainsKey(feature.Name) && !calendar.Contains(feature.Name))
            .Select(feature => stored[feature.Name]);
        return [.. inputs.Where(column => column.Name != target.Name).Select(
            column => Of(column, column.Kind == ColumnKind.Numeric)), Of(stored[target.Name], target.Task == TaskKind.Regression)];
    }

    private static ProfiledColumn Of(DatasetColumn column, bool isNumeric) =>
        new(column.Name, isNumeric, isNumeric ? $"TRY_CAST({Data.Duck.Sql.Name(column.Name)} AS DOUBLE)" : TargetColumn.TextSql(column));
}

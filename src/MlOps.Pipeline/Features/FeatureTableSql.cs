using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Features;

/// <summary>What a <see cref="FeatureTable"/> selects: its numbers, then its codes, the label, the side of the inner split, the draw, and the weight where a
/// column says it.</summary>
internal static class FeatureTableSql
{
    /// <summary>Share of training rows that early stopping watches instead of learning from.</summary>
    private const double InnerShare = 0.1;

    public static IEnumerable<string> Cells(DatasetManifest manifest, Featurizer featurizer)
    {
        var columns = manifest.Columns.ToDictionary(column => column.Name, StringComparer.Ordinal);
        var types = columns.ToDictionary(column => column.Key, column => column.Value.Type, StringComparer.Ordinal);
        foreach (var input in featurizer.Direct.Where(input => input.Categories is null))
        {
            yield return FloatSql(columns[input.Name].Type == StorageType.Boolean ? $"{Sql.Name(input.Name)}::INTEGER" : Sql.Name(input.Name));
        }
        // Another release of a definition, or of a function, may compute a column of this name in another way.
        var computed = manifest.Notes[FeaturePlan.Note] is null ? [] : FeaturePlan.Of(manifest).Derived.ToHashSet();
        foreach (var feature in featurizer.Derived)
        {
            yield return FloatSql(computed.Contains(feature) ? Sql.Name(feature.Name) : FeatureSql.Of(feature, types));
        }
        foreach (var input in featurizer.CategoryInputs)
        {
            yield return CodeSql(Sql.Name(input.Name), input.Categories!);
        }
        yield return LabelSql(columns[featurizer.Target.Name], featurizer.Target);
        yield return InnerSql(manifest.Selection);
        yield return DrawSql(manifest.Selection);
        // Only what is learnt from counts: another table may lack the column.
        if (RowWeights.ColumnOf(featurizer.Weights) is { } weights && manifest.Selection is { Side: SplitSide.Train })
        {
            yield return FloatSql(Sql.Name(weights));
        }
    }

    /// <summary>The target: its value, or 1 for positive and 0 for negative.</summary>
    public static string LabelSql(DatasetColumn column, TargetColumn target) => target.Task switch
    {
        TaskKind.Binary => $"({TargetColumn.TextSql(column)} = {Sql.Text(target.Positive!)})::INTEGER::DOUBLE",
        TaskKind.Multiclass => $"{PlaceSql(TargetColumn.TextSql(column), target.Classes!)}::DOUBLE",
        _ => $"TRY_CAST({Sql.Name(target.Name)} AS DOUBLE)",
    };

    private static string FloatSql(string expression) => $"TRY_CAST({expression} AS FLOAT)";

    private static string CodeSql(string name, IReadOnlyList<string> categories) => categories.Count == 0
        ? "-1::INTEGER"
        : $"coalesce({PlaceSql($"{name}::VARCHAR", categories)}, -1)";

    /// <summary>The place of a text in a list; null where it is none of it.</summary>
    private static string PlaceSql(string text, IReadOnlyList<string> known) =>
        $"enum_code(TRY_CAST({text} AS ENUM({string.Join(", ", known.Select(Sql.Text))})))::INTEGER";

    /// <summary>The inner split follows the outer one: by row or group with another seed, or the latest of the training rows.</summary>
    private static string InnerSql(RowSelection? selection) => selection switch
    {
        null or { Side: not SplitSide.Train } => "false",
        { Time: { } time } =>
            $"coalesce({RowSelection.TimeSql(time)} > quantile_disc({RowSelection.TimeSql(time)}, {Sql.Number(1 - InnerShare)}) OVER (), false)",
        _ => $"{DrawnSql(selection)} < {Sql.Number(InnerShare)}",
    };

    private static string DrawSql(RowSelection? selection) =>
        selection is { Side: SplitSide.Train, Time: null } ? $"({DrawnSql(selection)})::FLOAT" : "'nan'::FLOAT";

    private static string DrawnSql(RowSelection selection) => RowSelection.UnitSql(selection.Group, unchecked(selection.Seed + 1) & long.MaxValue);
}

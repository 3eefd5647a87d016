using System.Globalization;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Features;

/// <summary>The predicted column and what is predicted.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Task">What is learned.</param>
/// <param name="Positive">Binary: the value that counts as positive.</param>
/// <param name="Negative">Binary: the other value.</param>
/// <param name="Classes">Multiclass: all values, in order; a label is a place among them. Null: another task.</param>
public sealed record TargetColumn(
    string Name, TaskKind Task, string? Positive = null, string? Negative = null, IReadOnlyList<string>? Classes = null)
{
    /// <summary>The note of a cleaned table that carries this.</summary>
    public const string Note = "target";

    /// <summary>More than two say no more than three do.</summary>
    private const int FewValues = 3;

    /// <summary>On average; with fewer, a target's values are names of rows rather than of classes.</summary>
    private const int FewestRowsOfClass = 2;

    /// <summary>Numbers that a prediction consists of: the probability of each class, or one.</summary>
    internal int Outputs => Classes?.Count ?? 1;

    public JsonNode ToJson() => JsonNode.Parse(Json.Write(this))!;

    public static TargetColumn Of(DatasetManifest cleaned) => Json.Read<TargetColumn>(cleaned.Notes[Note]!.ToJsonString());

    /// <summary>The target's value as text, whole numbers without a fraction.</summary>
    /// <param name="target">The column.</param>
    /// <param name="row">Name of the row in a query of several tables; null: it needs none.</param>
    internal static string TextSql(DatasetColumn target, string? row = null)
    {
        var name = row is null ? Sql.Name(target.Name) : $"{row}.{Sql.Name(target.Name)}";
        return target.Type == StorageType.Double
            ? $"CASE WHEN {name} = trunc({name}) AND abs({name}) < 1e15 THEN {name}::BIGINT::VARCHAR ELSE {name}::VARCHAR END"
            : $"{name}::VARCHAR";
    }

    /// <summary>Whether a target may turn out to be one of many classes.</summary>
    internal static bool MayBeMulticlass(DatasetColumn target, PipelineDefinition definition) => definition.Task is null or TaskKind.Multiclass
        && (definition.Task == TaskKind.Multiclass || IsOfClasses(target));

    /// <summary>Different values of the target in a table, the smallest ones: as many as it takes to decide what is learned.</summary>
    internal static IReadOnlyList<string> Values(DuckDbSession session, string tableSql, DatasetColumn target, PipelineDefinition definition) =>
        [.. session.Rows($"SELECT {TextSql(target)} FROM (SELECT DISTINCT {Sql.Name(target.Name)} FROM {tableSql} ORDER BY 1 LIMIT "
            + $"{Sql.Number(MostValues(target, definition))})").Select(row => (string)row[0]!)];

    /// <summary>Decides the task from the target's values and the definition.</summary>
    /// <param name="found">The <see cref="Values"/> of every part of the table.</param>
    /// <param name="target">The target's column.</param>
    /// <param name="definition">What is declared.</param>
    /// <param name="rows">Rows of the table.</param>
    /// <exception cref="InputException">The target has one value only, or does not suit the task.</exception>
    internal static TargetColumn Decide(IEnumerable<string> found, DatasetColumn target, PipelineDefinition definition, long rows)
    {
        var values = (target.Type == StorageType.Double
            ? found.Distinct().OrderBy(value => double.Parse(value, CultureInfo.InvariantCulture))
            : found.Distinct().Order(StringComparer.Ordinal)).Take(MostValues(target, definition)).ToList();
        if (values.Count < 2)
        {
            throw new InputException($"The target '{target.Name}' has the same value ('{values.FirstOrDefault()}') in all rows: there is nothing to "
                + $"learn. Choose another target or give more rows.");
        }
        return (definition.Task ?? (values.Count == 2 ? TaskKind.Binary : IsOfClasses(target) ? TaskKind.Multiclass : TaskKind.Regression)) switch
        {
            TaskKind.Regression => Regression(values, target),
            TaskKind.Binary => Binary(values, target, definition),
            _ => Multiclass(values, target, definition, rows),
        };
    }

    /// <summary>Texts and codes are classes; numbers and times are amounts, unless the definition says otherwise.</summary>
    private static bool IsOfClasses(DatasetColumn target) =>
        target.Type != StorageType.Timestamp && (target.Type != StorageType.Double || target.Kind == ColumnKind.Categorical);

    /// <summary>Most classes that are learnt.</summary>
    internal static int MostClasses(PipelineDefinition definition) => definition.MaxClasses ?? PipelineDefinition.UsualClasses;

    private static int MostValues(DatasetColumn target, PipelineDefinition definition) =>
        MayBeMulticlass(target, definition) ? MostClasses(definition) + 1 : FewValues;

    private static TargetColumn Regression(List<string> values, DatasetColumn target) => target.Type == StorageType.Double
        ? new TargetColumn(target.Name, TaskKind.Regression)
        : throw new InputException(
            $"The target '{target.Name}' is not numeric (for example '{values[0]}', '{values[1]}'), which regression needs. Choose a numeric target, or "
                + $"task '{(values.Count == 2 ? "binary" : "multiclass")}'.");

    private static TargetColumn Binary(List<string> values, DatasetColumn target, PipelineDefinition definition)
    {
        if (values.Count > 2)
        {
            throw new InputException($"The target '{target.Name}' has more than two values (for example '{values[0]}', '{values[1]}', '{values[2]}'), and "
                + $"task 'binary' needs exactly two. Use task 'multiclass'.");
        }
        var positive = definition.Positive ?? values[1];
        return values.Contains(positive)
            ? new TargetColumn(target.Name, TaskKind.Binary, positive, values.First(value => value != positive))
            : throw new InputException($"'positive' is '{positive}', but the target '{target.Name}' has the values '{values[0]}' and '{values[1]}'.");
    }

    private static TargetColumn Multiclass(List<string> values, DatasetColumn target, PipelineDefinition definition, long rows)
    {
        if (values.Count == 2)
        {
            throw new InputException($"The target '{target.Name}' has the two values '{values[0]}' and '{values[1]}': use task 'binary'.");
        }
        if (definition.Positive is { } positive)
        {
            throw new InputException($"'positive' is '{positive}', but the target '{target.Name}' has more than two values (for example '{values[0]}', "
                + $"'{values[1]}', '{values[2]}'), which are learnt as classes: leave 'positive' out.");
        }
        if (values.Count > rows / FewestRowsOfClass)
        {
            throw new InputException($"The target '{target.Name}' is not numeric (for example '{values[0]}', '{values[1]}', '{values[2]}'), and most rows have "
                + "a value of their own, from which nothing can be learnt of others. Choose a numeric target, or one whose values repeat.");
        }
        return values.Count <= MostClasses(definition)
            ? new TargetColumn(target.Name, TaskKind.Multiclass, Classes: values)
            : throw new InputException(string.Create(
                CultureInfo.InvariantCulture,
                $"The target '{target.Name}' has more than {MostClasses(definition)} different values (for example '{values[0]}', '{values[1]}', '{values[2]}')"
                    + $", the most classes that are learnt. Choose another target, join rare values, or raise 'maxClasses'."));
    }
}

using System.Globalization;
using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Features;

/// <summary>The predicted column and what is predicted.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Task">Regression or binary.</param>
/// <param name="Positive">Binary: the value that counts as positive.</param>
/// <param name="Negative">Binary: the other value.</param>
public sealed record TargetColumn(string Name, TaskKind Task, string? Positive = null, string? Negative = null)
{
    /// <summary>The note of a cleaned table that carries this.</summary>
    public const string Note = "target";

    /// <summary>More than two say no more than three do.</summary>
    private const int MostValues = 3;

    public JsonNode ToJson() => JsonNode.Parse(Json.Write(this))!;

    public static TargetColumn Of(DatasetManifest cleaned) => Json.Read<TargetColumn>(cleaned.Notes[Note]!.ToJsonString());

    /// <summary>The target's value as text, whole numbers without a fraction.</summary>
    internal static string TextSql(DatasetColumn target)
    {
        var name = Sql.Name(target.Name);
        return target.Type == StorageType.Double
            ? $"CASE WHEN {name} = trunc({name}) AND abs({name}) < 1e15 THEN {name}::BIGINT::VARCHAR ELSE {name}::VARCHAR END"
            : $"{name}::VARCHAR";
    }

    /// <summary>Up to three different values of the target in a table, the smallest ones.</summary>
    internal static IReadOnlyList<string> Values(DuckDbSession session, string tableSql, DatasetColumn target) =>
        [.. session.Rows($"SELECT {TextSql(target)} FROM (SELECT DISTINCT {Sql.Name(target.Name)} FROM {tableSql} ORDER BY 1 LIMIT "
            + $"{MostValues})").Select(row => (string)row[0]!)];

    /// <summary>Decides the task from the target's values and the definition.</summary>
    /// <param name="found">The <see cref="Values"/> of every part of the table.</param>
    /// <param name="target">The target's column.</param>
    /// <param name="definition">What is declared.</param>
    /// <exception cref="InputException">The target has one value only, or does not suit the task.</exception>
    internal static TargetColumn Decide(IEnumerable<string> found, DatasetColumn target, PipelineDefinition definition)
    {
        var values = (target.Type == StorageType.Double
            ? found.Distinct().OrderBy(value => double.Parse(value, CultureInfo.InvariantCulture))
            : found.Distinct().Order(StringComparer.Ordinal)).Take(MostValues).ToList();
        if (values.Count < 2)
        {
            throw new InputException($"The target '{target.Name}' has the same value ('{values.FirstOrDefault()}') in all rows: there is nothing to "
                + $"learn. Choose another target or give more rows.");
        }
        var task = definition.Task ?? (values.Count == 2 ? TaskKind.Binary : TaskKind.Regression);
        if (task == TaskKind.Regression)
        {
            return target.Type == StorageType.Double
                ? new TargetColumn(target.Name, task)
                : throw new InputException(
                    $"The target '{target.Name}' is not numeric (for example '{values[0]}', '{values[1]}'), which regression needs."
                    + (values.Count == 2 ? " It has two values: use task 'binary'." : " Choose a numeric target, or one with two values for task 'binary'."));
        }
        if (values.Count > 2)
        {
            throw new InputException($"The target '{target.Name}' has more than two values (for example '{values[0]}', '{values[1]}', '{values[2]}'), and "
                + $"task 'binary' needs exactly two.");
        }
        var positive = definition.Positive ?? values[1];
        return values.Contains(positive)
            ? new TargetColumn(target.Name, task, positive, values.First(value => value != positive))
            : throw new InputException($"'positive' is '{positive}', but the target '{target.Name}' has the values '{values[0]}' and '{values[1]}'.");
    }
}

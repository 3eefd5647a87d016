using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Stages.Clean;

/// <summary>Fills nulls with values that are fitted on training rows only, so that validation rows do not leak into them.</summary>
internal static class Imputation
{
    /// <summary>The value for each column that is imputed, as text.</summary>
    public static IReadOnlyDictionary<string, string> Fit(
        DuckDbSession session, LocalTable rows, FeaturePlan plan, PipelineDefinition definition)
    {
        var imputed = plan.Inputs.Where(input => definition.Columns.GetValueOrDefault(input.Name)?.Impute is not null).ToList();
        if (imputed.Count == 0)
        {
            return new Dictionary<string, string>();
        }
        var train = RowSplit.Of(definition.Split.For(rows.Manifest.Rows, definition.Train), session, rows).Train;
        var trainSql = $"(SELECT * FROM {rows.ToSql()} WHERE {train.ToSql()})";
        return imputed.ToDictionary(
            column => column.Name, column => ValueOf(session, trainSql, column, definition.Columns[column.Name].Impute!), StringComparer.Ordinal);
    }

    /// <summary>The columns with their nulls filled.</summary>
    public static IReadOnlyList<ColumnExpression> Columns(IReadOnlyList<DatasetColumn> columns, IReadOnlyDictionary<string, string> values) =>
    [
        .. columns.Select(column => new ColumnExpression(column.Name, values.TryGetValue(column.Name, out var value)
            ? $"coalesce({Sql.Name(column.Name)}, CAST({Sql.Text(value)} AS {SqlType(column)}))"
            : Sql.Name(column.Name))),
    ];

    private static string ValueOf(DuckDbSession session, string trainSql, DatasetColumn column, ImputeRule rule)
    {
        if (rule.Strategy is ImputeStrategy.Mean or ImputeStrategy.Median && column.Kind != ColumnKind.Numeric)
        {
            throw new InputException($"Column '{column.Name}' cannot be filled with its {rule.Strategy.ToString().ToLowerInvariant()}: it is "
                + $"{DefinitionNames.Kinds.NameOf(column.Kind)}. Use mostFrequent or a constant.");
        }
        var name = Sql.Name(column.Name);
        var value = rule.Strategy switch
        {
            // A sorted, compensated sum: the same mean whatever the number of threads.
            ImputeStrategy.Mean => session.Scalar($"SELECT fsum({name}::DOUBLE ORDER BY {name}) / count({name}) FROM {trainSql}"),
            ImputeStrategy.Median => session.Scalar($"SELECT quantile_cont({name}::DOUBLE, 0.5) FROM {trainSql}"),
            ImputeStrategy.MostFrequent =>
                session.Scalar($"SELECT {name}::VARCHAR FROM {trainSql} WHERE {name} IS NOT NULL GROUP BY {name} ORDER BY count(*) DESC, {name} LIMIT 1"),
            _ => rule.Constant,
        };
        var text = value switch
        {
            null =>
                throw new InputException(
                    $"Column '{column.Name}' has no value in the training rows to fill its nulls from. Declare it 'ignore', or give a constant."),
            double number => number.ToString("R", CultureInfo.InvariantCulture),
            _ => value.ToString()!,
        };
        return session.Scalar($"SELECT TRY_CAST({Sql.Text(text)} AS {SqlType(column)})") is not null
            ? text
            : throw new InputException($"columns.{column.Name}: the constant '{text}' is no {DefinitionNames.Kinds.NameOf(column.Kind)} value.");
    }

    private static string SqlType(DatasetColumn column) => column.Type.ToString().ToUpperInvariant();
}

using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Models;
using MlOps.Pipeline.Stages.Ingest;

namespace MlOps.Pipeline.Stages.Clean;

/// <summary>Why a row cannot stay, as one SQL expression: the first reason that holds, or null.</summary>
internal sealed class RowRules
{
    public RowRules(FeaturePlan plan, PipelineDefinition definition, bool marksUnparseable)
    {
        IReadOnlyList<DatasetColumn> used = [plan.Target, .. plan.Inputs];
        var reasons = new List<string>();
        if (marksUnparseable)
        {
            reasons.Add($"WHEN {ColumnNames.Unparseable} IN ({string.Join(", ", used.Select(column => Sql.Text(column.Name)))}) THEN 'unparseable: ' || {ColumnNames.Unparseable}");
        }
        foreach (var column in used)
        {
            var rule = definition.Columns.GetValueOrDefault(column.Name) ?? new ColumnRule();
            var name = Sql.Name(column.Name);
            var isTarget = column == plan.Target;
            if (isTarget || (rule.Required && rule.Impute is null))
            {
                Add(reasons, $"{name} IS NULL", $"null: {column.Name}");
            }
            if (column.Type == StorageType.Double)
            {
                Add(reasons, $"NOT isfinite({name})", $"not finite: {column.Name}");
            }
            if (rule.Min is { } min && column.Kind == ColumnKind.Numeric)
            {
                Add(reasons, $"{name} < {Sql.Number(min)}", $"below min: {column.Name}");
            }
            if (rule.Max is { } max && column.Kind == ColumnKind.Numeric)
            {
                Add(reasons, $"{name} > {Sql.Number(max)}", $"above max: {column.Name}");
            }
            if (rule.Allowed is { } allowed)
            {
                Add(reasons, AllowedSql(column, name, allowed), $"not allowed: {column.Name}");
            }
        }
        ReasonSql = $"CASE {string.Join(" ", reasons)} END";
    }

    public string ReasonSql { get; }

    private static void Add(List<string> reasons, string condition, string reason) => reasons.Add($"WHEN {condition} THEN {Sql.Text(reason)}");

    private static string AllowedSql(DatasetColumn column, string name, IReadOnlyList<string> allowed) => column.Type switch
    {
        StorageType.Varchar => $"{name} NOT IN ({string.Join(", ", allowed.Select(Sql.Text))})",
        StorageType.Boolean => $"{name} NOT IN ({string.Join(", ", allowed.Select(value => $"TRY_CAST({Sql.Text(value)} AS BOOLEAN)"))})",
        StorageType.Timestamp => $"{name} NOT IN ({string.Join(", ", allowed.Select(value => $"TRY_CAST({Sql.Text(value)} AS TIMESTAMP)"))})",
        _ => $"{name} NOT IN ({string.Join(", ", allowed.Select(value => $"TRY_CAST({Sql.Text(value)} AS DOUBLE)"))})",
    };
}

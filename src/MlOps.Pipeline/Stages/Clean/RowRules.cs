using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Stages.Clean;

/// <summary>Why a row cannot stay: the first reason that holds, as one SQL expression of its index; −1 for a row that can.</summary>
internal sealed class RowRules
{
    private const string Unparseable = "unparseable: ";

    private readonly List<string> reasons = [];

    public RowRules(FeaturePlan plan, PipelineDefinition definition, bool marksUnparseable)
    {
        IReadOnlyList<DatasetColumn> used = plan.Weights is { } weights ? [plan.Target, weights, .. plan.Inputs] : [plan.Target, .. plan.Inputs];
        var conditions = new List<string>();
        void Add(string condition, string reason)
        {
            conditions.Add($"WHEN {condition} THEN {conditions.Count}");
            reasons.Add(reason);
        }
        foreach (var column in marksUnparseable ? used : [])
        {
            Add($"{ColumnNames.Unparseable} = {Sql.Text(column.Name)}", Unparseable + column.Name);
        }
        foreach (var column in used)
        {
            var rule = definition.Columns.GetValueOrDefault(column.Name) ?? new ColumnRule();
            var name = Sql.Name(column.Name);
            if (column == plan.Target || column == plan.Weights || (rule.Required && rule.Impute is null))
            {
                Add($"{name} IS NULL", $"null: {column.Name}");
            }
            if (column.Type == StorageType.Double)
            {
                Add($"NOT isfinite({name})", $"not finite: {column.Name}");
            }
            if (column == plan.Weights)
            {
                Add($"{name} < 0", $"weight below 0: {column.Name}");
            }
            if (rule.Min is { } min && column.Kind == ColumnKind.Numeric)
            {
                Add($"{name} < {Sql.Number(min)}", $"below min: {column.Name}");
            }
            if (rule.Max is { } max && column.Kind == ColumnKind.Numeric)
            {
                Add($"{name} > {Sql.Number(max)}", $"above max: {column.Name}");
            }
            if (rule.Allowed is { } allowed)
            {
                Add(AllowedSql(column, name, allowed), $"not allowed: {column.Name}");
            }
        }
        ReasonSql = $"(CASE {string.Join(" ", conditions)} ELSE -1 END)::INTEGER";
    }

    /// <summary>What each index means, such as <c>null: age</c>.</summary>
    public IReadOnlyList<string> Reasons => reasons;

    public string ReasonSql { get; }

    /// <summary>Whether a reason is that a cell could not be read.</summary>
    public static bool IsUnparseable(string reason) => reason.StartsWith(Unparseable, StringComparison.Ordinal);

    private static string AllowedSql(DatasetColumn column, string name, IReadOnlyList<string> allowed) => column.Type == StorageType.Varchar
        ? Sql.NotIn(name, allowed.Select(Sql.Text))
        : Sql.NotIn(name, allowed.Select(value => $"TRY_CAST({Sql.Text(value)} AS {column.Type})"));
}

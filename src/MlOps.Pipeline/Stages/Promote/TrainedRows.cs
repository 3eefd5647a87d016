using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Features;

namespace MlOps.Pipeline.Stages.Promote;

/// <summary>Which rows of a new version are among those that production was trained on.</summary>
internal sealed class TrainedRows
{
    private readonly DatasetManifest validation;
    private readonly DatasetManifest trained;
    private readonly Featurizer production;
    private readonly TargetColumn target;
    private readonly Dictionary<string, DatasetColumn> mine;
    private readonly Dictionary<string, DatasetColumn> theirs;

    /// <param name="validation">The new version's rows.</param>
    /// <param name="trained">Those that production was trained on.</param>
    /// <param name="production">How production reads them.</param>
    /// <param name="target">The new version's target, of the same meaning as production's.</param>
    public TrainedRows(DatasetManifest validation, DatasetManifest trained, Featurizer production, TargetColumn target)
    {
        (this.validation, this.trained, this.production, this.target) = (validation, trained, production, target);
        mine = validation.Columns.ToDictionary(column => column.Name, StringComparer.Ordinal);
        theirs = trained.Columns.ToDictionary(column => column.Name, StringComparer.Ordinal);
    }

    /// <summary>
    /// When row <c>v</c> of the new version is row <c>t</c> of production's. Rows that were split by the same columns, stored, read and spelt in the same
    /// way, are the same where their hashes are. Else those are that have all in common that production was trained on. Null: they have nothing to compare.
    /// </summary>
    public string? SameSql()
    {
        if (KeyOf(validation) is { } key && KeyOf(trained) is { } other && key.SequenceEqual(other) && key.All(HashesAlike))
        {
            return $"v.{RowHash.ColumnName} = t.{RowHash.ColumnName}";
        }
        string[] inputs = [.. production.Inputs.Select(input => input.Name).Where(IsStoredAlike).Select(InputSql)];
        return inputs.Length == 0 ? null : string.Join(" AND ", inputs.Append(TargetSql()).OfType<string>());
    }

    private static List<string>? KeyOf(DatasetManifest rows) =>
        rows.Notes[DatasetNotes.SplitKey]?.AsArray().Select(column => column!.GetValue<string>()).ToList();

    private bool HashesAlike(string name) =>
        IsStoredAlike(name) && OtherNulls(name).Count == 0 && (name != target.Name || IsSpeltAlike());

    private bool IsStoredAlike(string name) =>
        mine.TryGetValue(name, out var column) && theirs.TryGetValue(name, out var other) && column.Type == other.Type;

    /// <summary>More or fewer classes in the new data are spelt alike all the same.</summary>
    private bool IsSpeltAlike() => (target.Positive, target.Negative) == (production.Target.Positive, production.Target.Negative)
        && (target.Classes is not { } classes || production.Target.Classes is not { } known || classes.All(known.Contains) || known.All(classes.Contains));

    /// <summary>Texts that only one of the two readings took for a missing value: a word on one side is nothing on the other.</summary>
    private IReadOnlyList<string> OtherNulls(string name) => mine[name].Type != StorageType.Varchar
        ? []
        : [.. CellDifferences.Nulls(mine[name].Type, mine[name].Cells, theirs[name].Cells), .. CellDifferences.Nulls(
            mine[name].Type, theirs[name].Cells, mine[name].Cells)];

    private string InputSql(string name)
    {
        var texts = OtherNulls(name);
        string Cell(string row) => texts.Count == 0
            ? $"{row}.{Sql.Name(name)}"
            : $"CASE WHEN {row}.{Sql.Name(name)} NOT IN ({string.Join(", ", texts.Select(Sql.Text))}) THEN {row}.{Sql.Name(name)} END";
        return $"{Cell("v")} IS NOT DISTINCT FROM {Cell("t")}";
    }

    /// <summary>By what the target means, however it is spelt and stored; null where that is not known.</summary>
    private string? TargetSql()
    {
        if (!mine.TryGetValue(target.Name, out var column) || !theirs.TryGetValue(target.Name, out var other))
        {
            return null;
        }
        var (text, known) = (TargetColumn.TextSql(column, "v"), TargetColumn.TextSql(other, "t"));
        return target.Task switch
        {
            TaskKind.Binary => $"({text} = {Sql.Text(target.Positive!)}) IS NOT DISTINCT FROM ({known} = {Sql.Text(production.Target.Positive!)})",
            TaskKind.Multiclass => IsSpeltAlike() ? $"{text} IS NOT DISTINCT FROM {known}" : null,
            _ => IsStoredAlike(target.Name) ? $"v.{Sql.Name(target.Name)} IS NOT DISTINCT FROM t.{Sql.Name(target.Name)}" : null,
        };
    }
}

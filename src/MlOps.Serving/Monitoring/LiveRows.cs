using System.Text.Json.Nodes;
using MlOps.Drift.Profiles;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Reading;

namespace MlOps.Serving.Monitoring;

/// <summary>Reads logged rows as the model saw them: typed as in training, nulls filled, computed features added.</summary>
internal static class LiveRows
{
    private const string Cells = "cells";
    private const string Types = "types";

    /// <summary>A column of more numbers than this is compared by its texts.</summary>
    private const int MostNumbers = 1000;

    /// <summary>Rows of the window.</summary>
    public static long Count(DuckDbSession session, IReadOnlyList<string> files, LiveWindow window) =>
        session.Count($"SELECT count(*) FROM {FromSql(files, features: false)} WHERE {WhereSql(window)}");

    /// <summary>Writes the newest rows of the window as a Parquet file with the inputs and computed features of a training table; returns their
    /// number.</summary>
    public static long Write(
        DuckDbSession session, IReadOnlyList<string> files, LiveWindow window, int most, DatasetManifest train, TableProfile trained, string path)
    {
        var plan = FeaturePlan.Of(train);
        var imputed = train.Notes[DatasetNotes.Imputed]?.AsObject() ?? [];
        var types = plan.Inputs.ToDictionary(input => input.Name, input => input.Type, StringComparer.Ordinal);
        var logged = $"SELECT {CellsSql(plan)} FROM {FromSql(files, features: true)} WHERE {WhereSql(window)} ORDER BY {Sql.Name(LoggedRow.At)} DESC "
            + $"LIMIT {Sql.Number((long)most)}";
        var inputs = string.Join(
            ", ", InputsSql(plan, trained).Select(input => $"{FilledSql(input.Column, input.Sql, imputed)} AS {Sql.Name(input.Column.Name)}"));
        var derived = string.Concat(plan.Derived.Select(feature => $", {FeatureSql.Of(feature, types)} AS {Sql.Name(feature.Name)}"));
        return session.Copy($"SELECT *{derived} FROM (SELECT {inputs} FROM ({logged}))", path);
    }

    /// <summary>What <see cref="InputsSql"/> reads, of rows that have their features.</summary>
    public static string CellsSql(FeaturePlan plan)
    {
        var paths = Sql.Texts(plan.Inputs.Select(input => PointerTo(input.Name)));
        return $"json_extract_string({Sql.Name(LoggedRow.Features)}, {paths}) AS {Cells}, json_type({Sql.Name(LoggedRow.Features)}, {paths}) AS {Types}";
    }

    /// <summary>The inputs of a model, typed as in training. A value that is not of the column's type is null.</summary>
    public static IEnumerable<(DatasetColumn Column, string Sql)> InputsSql(FeaturePlan plan, TableProfile trained) =>
        plan.Inputs.Select((input, i) => (input, CellSql.Of(CellOf(input, i + 1, trained), input.Type, input.Cells)));

    private static string FromSql(IReadOnlyList<string> files, bool features) => LoggedSql.From(
        files, [LoggedRow.At, LoggedRow.Version, LoggedRow.Variant, LoggedRow.Failed, .. features ? [LoggedRow.Features] : Array.Empty<string>()]);

    /// <summary>What a shadow was asked, and what a version could not answer, another has answered: that row counts there.</summary>
    private static string WhereSql(LiveWindow window)
    {
        var at = Sql.Name(LoggedRow.At);
        return $"{Sql.Name(LoggedRow.Version)} = {Sql.Number((long)window.Version)} AND {at} >= {Sql.Text(LoggedRow.TimeText(window.From))} AND {at} < "
            + $"{Sql.Text(LoggedRow.TimeText(window.Until))} AND {Sql.Name(LoggedRow.Variant)} IS DISTINCT FROM {Sql.Text(Variants.Shadow)} "
            + $"AND {Sql.Name(LoggedRow.Failed)} IS NULL";
    }

    /// <summary>What fills a null is what the scorer fills it with.</summary>
    private static string FilledSql(DatasetColumn input, string typed, JsonObject imputed) =>
        imputed[input.Name]?.GetValue<string>() is { } value
            ? $"coalesce({typed}, CAST({Sql.Text(value)} AS {input.Type.ToString().ToUpperInvariant()}))"
            : typed;

    /// <summary>A cell's text; of a number or boolean the training rows' text of that value, as the scorer finds it: 1.0 is "1", true is "True".</summary>
    private static string CellOf(DatasetColumn input, int place, TableProfile trained)
    {
        var cell = $"{Cells}[{place}]";
        if (input.Type != StorageType.Varchar || trained.Columns.GetValueOrDefault(input.Name) is not CategoryProfile categories)
        {
            return cell;
        }
        var (numbers, flags) = CategoryCodes.ValuesOf(categories.Counts.Keys);
        var cases = numbers.Count > MostNumbers ? [] : numbers.Select(number => $"WHEN {Sql.Number(number.Key)} THEN {Sql.Text(number.Value)}").ToList();
        var number = cases.Count == 0 ? cell : $"CASE TRY_CAST({cell} AS DOUBLE) {string.Join(" ", cases)} ELSE {cell} END";
        var flag = flags.Count == 0 ? cell
            : $"CASE {cell} {string.Join(" ", flags.Select(flag => $"WHEN '{(flag.Key ? "true" : "false")}' THEN {Sql.Text(flag.Value)}"))} ELSE {cell} END";
        return $"CASE {Types}[{place}] WHEN 'VARCHAR' THEN {cell} WHEN 'BOOLEAN' THEN {flag} ELSE {number} END";
    }

    /// <summary>A JSON pointer (RFC 6901): column names may have any character.</summary>
    private static string PointerTo(string column) => "/" + column.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}

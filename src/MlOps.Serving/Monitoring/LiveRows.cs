using System.Globalization;
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

    /// <summary>The end of the minute in which a window of rows is full; null: it is not full yet.</summary>
    /// <param name="session">Reads.</param>
    /// <param name="files">Local files of the prediction log.</param>
    /// <param name="window">Which of their rows.</param>
    /// <param name="rows">How many make it full.</param>
    public static DateTimeOffset? FullAt(DuckDbSession session, IReadOnlyList<string> files, LiveWindow window, long rows)
    {
        const int Minute = 16;
        var at = Sql.Name(LoggedRow.At);
        var found = session.Rows(
            $"SELECT minute FROM (SELECT {at}[1:{Minute}] AS minute, sum(count(*)) OVER (ORDER BY {at}[1:{Minute}]) AS rows "
                + $"FROM {FromSql(files, features: false)} WHERE {WhereSql(window)} GROUP BY 1) WHERE rows >= {Sql.Number(rows)} ORDER BY minute LIMIT 1");
        return found.Count == 0
            ? null
            : DateTimeOffset.ParseExact((string)found[0][0]!, "yyyy-MM-ddTHH:mm", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal).AddMinutes(1);
    }

    /// <summary>
    /// Writes the newest rows of the window, the oldest of them first, as they were sent and as the model saw them; the log is read once.
    /// </summary>
    /// <param name="session">Reads and writes.</param>
    /// <param name="source">Which rows.</param>
    /// <param name="actuals">A table of <c>id</c> and <c>actual</c>: what came true of predictions; null: nothing is known.</param>
    /// <param name="folder">Takes the files.</param>
    public static LiveTable Write(DuckDbSession session, LiveSource source, string? actuals, string folder)
    {
        var (train, names) = (source.Train, LiveColumns.Beside(source.Train));
        var plan = FeaturePlan.Of(train);
        var imputed = train.Notes[DatasetNotes.Imputed]?.AsObject() ?? [];
        var types = plan.Inputs.ToDictionary(input => input.Name, input => input.Type, StringComparer.Ordinal);
        var at = Sql.Name(LoggedRow.At);
        var logged = $"SELECT {at}, {Sql.Name(LoggedRow.Id)}, {Sql.Name(LoggedRow.Prediction)}, {Sql.Name(LoggedRow.Probability)}, {CellsSql(plan)} "
            + $"FROM {FromSql(source.Files, features: true)} WHERE {WhereSql(source.Window)} ORDER BY {at} DESC LIMIT {Sql.Number((long)source.Most)}";
        var target = actuals is null
            ? $"NULL::{plan.Target.Type.ToString().ToUpperInvariant()}"
            : ActualSql("a.actual", plan.Target);
        var cells = InputsSql(plan, source.Trained).Select(input => $"{input.Sql} AS {Sql.Name(input.Column.Name)}")
            .Append($"{Sql.Name(LoggedRow.Prediction)} AS {Sql.Name(names.Prediction)}")
            .Append($"{Sql.Name(LoggedRow.Probability)} AS {Sql.Name(names.Probability)}")
            .Append($"{target} AS {Sql.Name(plan.Target.Name)}");
        var (sent, seen) = (Path.Combine(folder, "sent.parquet"), Path.Combine(folder, "live.parquet"));
        // Rows of one time are told apart by their ids: a window that is read again has the same order, and the same samples.
        session.Copy(
            $"SELECT {string.Join(", ", cells)} FROM ({logged}) l {(actuals is null ? "" : $"LEFT JOIN {actuals} a ON a.id = l.id")} "
                + $"ORDER BY l.{at}, l.{Sql.Name(LoggedRow.Id)}",
            sent);

        var filled = plan.Inputs.Select(input => $"{FilledSql(input, Sql.Name(input.Name), imputed)} AS {Sql.Name(input.Name)}")
            .Concat(new[] { names.Prediction, names.Probability, plan.Target.Name }.Select(Sql.Name));
        var derived = string.Concat(plan.Derived.Select(feature => $", {FeatureSql.Of(feature, types)} AS {Sql.Name(feature.Name)}"));
        var rows = session.Copy($"SELECT *{derived} FROM (SELECT {string.Join(", ", filled)} FROM read_parquet({Sql.Files([sent])}))", seen);
        return new LiveTable(
            new LocalTable(train with { Parts = [], Projection = null, Selection = null, Rows = rows }, [seen]), names,
            CellCounts(session, plan, source, sent));
    }

    /// <summary>What of the cells that callers sent is missing, or out of the range of training.</summary>
    private static List<LiveCells> CellCounts(DuckDbSession session, FeaturePlan plan, LiveSource source, string sent)
    {
        if (plan.Inputs.Count == 0)
        {
            return [];
        }
        var counts = plan.Inputs.SelectMany(input => new[] { $"count(*) - count({Sql.Name(input.Name)})", OutOfRangeSql(input) });
        var found = session.Rows($"SELECT {string.Join(", ", counts)} FROM read_parquet({Sql.Files([sent])})")[0]
            .Select(value => value is null or DBNull ? (long?)null : Convert.ToInt64(value, CultureInfo.InvariantCulture)).ToList();
        return [.. plan.Inputs.Select((input, i) => new LiveCells(input.Name, found[2 * i] ?? 0, found[(2 * i) + 1]))];

        string OutOfRangeSql(DatasetColumn input) =>
            input.Type == StorageType.Double && source.Trained.Columns.GetValueOrDefault(input.Name) is NumericProfile { Count: > 0 } known
                ? $"count(*) FILTER ({Sql.Name(input.Name)} < {Sql.Number(known.Min)} OR {Sql.Name(input.Name)} > {Sql.Number(known.Max)})"
                : "NULL";
    }

    /// <summary>What <see cref="InputsSql"/> reads, of rows that have their features.</summary>
    public static string CellsSql(FeaturePlan plan)
    {
        var paths = Sql.Texts(plan.Inputs.Select(input => PointerTo(input.Name)));
        return $"json_extract_string({Sql.Name(LoggedRow.Features)}, {paths}) AS {Cells}, json_type({Sql.Name(LoggedRow.Features)}, {paths}) AS {Types}";
    }

    /// <summary>The inputs of a model, typed as in training. A value that is not of the column's type is null.</summary>
    public static IEnumerable<(DatasetColumn Column, string Sql)> InputsSql(FeaturePlan plan, TableProfile trained) =>
        plan.Inputs.Select((input, i) => (input, InputSql(input, i + 1, trained)));

    /// <summary>What came true, as a value of the target: feedback keeps numbers with a decimal point, however the training file writes them.</summary>
    public static string ActualSql(string textSql, DatasetColumn target)
    {
        if (target.Type != StorageType.Double)
        {
            return CellSql.Of(textSql, target.Type, target.Cells);
        }
        var number = $"TRY_CAST({textSql} AS DOUBLE)";
        return CellSql.OfNumber($"(CASE WHEN isfinite({number}) THEN {number} END)", target.Type, target.Cells);
    }

    /// <summary>A text is read as the training file's cells were; what JSON says to be a number or a boolean is that, as for the scorer.</summary>
    private static string InputSql(DatasetColumn input, int place, TableProfile trained)
    {
        var (cell, type) = ($"{Cells}[{place}]", $"{Types}[{place}]");
        var number = $"(CASE WHEN {type} NOT IN ('VARCHAR', 'BOOLEAN') THEN TRY_CAST({cell} AS DOUBLE) END)";
        if (input.Type == StorageType.Varchar)
        {
            return CellSql.UnlessMissing(CellSql.Of(CellOf(input, place, trained), input.Type, input.Cells), number, input.Type, input.Cells);
        }
        var flag = input.Type == StorageType.Boolean ? $"{cell} = 'true'" : "NULL";
        return $"CASE {type} WHEN 'VARCHAR' THEN {CellSql.Of(cell, input.Type, input.Cells)} WHEN 'BOOLEAN' THEN {flag} "
            + $"ELSE {CellSql.OfNumber(number, input.Type, input.Cells)} END";
    }

    private static string FromSql(IReadOnlyList<string> files, bool features) => LoggedSql.From(
        files,
        [
            LoggedRow.At, LoggedRow.Version, LoggedRow.Variant, LoggedRow.Failed,
            .. features ? [LoggedRow.Id, LoggedRow.Prediction, LoggedRow.Probability, LoggedRow.Features] : Array.Empty<string>(),
        ]);

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

using System.Globalization;
using MlOps.Pipeline.Tracking;
using MlOps.Pipeline.Versions;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary>What is different between two dataset versions, for people.</summary>
internal static class DataDiffPrinter
{
    private const int MostColumns = 12;

    public static void Print(Terminal terminal, DataDiff diff)
    {
        terminal.SayWhole($"From {Words(diff.From)} to {Words(diff.To)}");
        foreach (var column in diff.Columns.Added)
        {
            terminal.SayWhole($"+ column {column.Name} ({column.Type.ToString().ToLowerInvariant()})");
        }
        foreach (var column in diff.Columns.Removed)
        {
            terminal.SayWhole($"- column {column.Name} ({column.Type.ToString().ToLowerInvariant()})");
        }
        foreach (var column in diff.Columns.Changed)
        {
            terminal.SayWhole($"~ column {column.Name}: {column.From.ToString().ToLowerInvariant()} to {column.To.ToString().ToLowerInvariant()}");
        }
        var rows = diff.Rows;
        var by = rows.Key.Count == 0 ? "all cells" : string.Join(", ", rows.Key);
        terminal.SayWhole(
            $"Rows, by {by}: {Number(rows.Added)} added, {Number(rows.Removed)} removed, {Number(rows.Changed)} changed, {Number(rows.Same)} the same.");
        if (rows.Note is { } note)
        {
            terminal.SayWhole(note);
        }
        foreach (var (column, count) in rows.ChangedCells.Take(MostColumns))
        {
            terminal.SayWhole($"~ {column}: changed in {Number(count)} rows");
        }
        PrintRows(terminal, "+", rows.AddedRows);
        PrintRows(terminal, "-", rows.RemovedRows);
        foreach (var changed in rows.ChangedRows)
        {
            var cells = changed.Cells.Select(cell => $"{cell.Key}: {Cell(cell.Value.From)} to {Cell(cell.Value.To)}");
            terminal.SayWhole($"~ {string.Join(", ", changed.Key.Select(cell => $"{cell.Key} = {Cell(cell.Value)}"))}: {string.Join("; ", cells)}");
        }
        PrintStatistics(terminal, diff);
    }

    private static void PrintRows(Terminal terminal, string sign, IReadOnlyList<IReadOnlyDictionary<string, object?>> rows)
    {
        foreach (var row in rows)
        {
            var cells = string.Join(", ", row.Take(MostColumns).Select(cell => $"{cell.Key} = {Cell(cell.Value)}"));
            terminal.SayWhole($"{sign} {cells}{(row.Count > MostColumns ? ", …" : "")}");
        }
    }

    private static void PrintStatistics(Terminal terminal, DataDiff diff)
    {
        if (diff.Statistics is not { Count: > 0 } columns)
        {
            return;
        }
        var table = Terminal.Table("Column", "Missing", "Mean", "Min", "Max", "Test", "Moved");
        foreach (var column in columns.Take(MostColumns))
        {
            string[] cells =
            [
                column.Column, Both(column.Reference.Missing, column.Current.Missing), Both(column.Reference.Mean, column.Current.Mean),
                Both(column.Reference.Min, column.Current.Min), Both(column.Reference.Max, column.Current.Max),
                column.Score is { } score ? string.Create(CultureInfo.InvariantCulture, $"{column.Title} {score:G3}") : column.Note ?? "",
                column.Drifted ? "yes" : "",
            ];
            table.AddRow(cells.Select(cell => new Text(cell)));
        }
        terminal.Out.Write(table);
        if (columns.Count > MostColumns)
        {
            terminal.SayWhole($"and {Number(columns.Count - MostColumns)} more columns; --json has all.");
        }
    }

    private static string Words(DataEntry version) => $"{version.Id} ({version.Source}, {Number(version.Rows)} rows)";

    private static string Both(double? from, double? to) => from is null && to is null
        ? ""
        : string.Create(CultureInfo.InvariantCulture, $"{from:G5} → {to:G5}");

    private static string Cell(object? value) => value switch
    {
        null => "null",
        DateTime at => at.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => $"'{value}'",
    };

    private static string Number(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}

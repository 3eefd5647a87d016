using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary>How a run ended, for a person.</summary>
internal static class RunOutcome
{
    /// <summary>What the winner's metrics on the validation rows are shown beside.</summary>
    private static readonly (string Prefix, string Title)[] Beside = [(BaselineMetrics.Prefix, "Baseline"), (ProductionMetrics.Prefix, "Production")];

    private const int MostReasons = 8;

    /// <param name="console">Where to.</param>
    /// <param name="details">The run.</param>
    /// <param name="isWhole">
    /// True: every metric, the candidates' included, and every reason why rows were dropped; else the metrics of the winner, and the
    /// commonest reasons.
    /// </param>
    public static void Print(IAnsiConsole console, RunDetails details, bool isWhole = false)
    {
        var warnings = WarningsOf(details).ToLookup(warning => warning.Headline);
        foreach (var warning in warnings[true])
        {
            console.MarkupLineInterpolated($"[bold yellow]Warning:[/] {warning.Text}");
        }
        if (CleanedRows.Of(details) is { } rows)
        {
            console.MarkupLineInterpolated($"{rows.Describe(isWhole ? int.MaxValue : MostReasons)}");
        }
        var metrics = details.Metrics
            .Where(metric => isWhole
                ? !CleanedRows.IsDropped(metric.Key) && !IntervalMetrics.IsOne(metric.Key)
                : WinnerMetrics.IsOne(metric.Key))
            .ToList();
        if (metrics.Count > 0)
        {
            console.Write(Metrics(metrics, details.Metrics));
        }
        foreach (var warning in warnings[false])
        {
            console.MarkupLineInterpolated($"[yellow]note[/] {warning.Text}");
        }
        Conclude(console, details.Run);
    }

    /// <summary>What the stages told, each once, headlines first.</summary>
    public static IReadOnlyList<Warning> WarningsOf(RunDetails details) =>
        [.. StageWarnings.Of(RunTable.InOrder(details.Stages)).Select(told => told.Warning)];

    private static void Conclude(IAnsiConsole console, Run run)
    {
        switch (run.State)
        {
            case RunState.Succeeded when run is { Goal: RunGoal.Score, Dataset: { } scored }:
                console.MarkupLineInterpolated($"[green]{run.Data ?? run.Source}: scored with version {run.Version} as dataset version {scored}.[/]");
                break;
            case RunState.Succeeded when run.Dataset is { } dataset:
                console.MarkupLineInterpolated($"[green]{run.Source}: ingested as dataset version {dataset}.[/]");
                break;
            case RunState.Succeeded:
                console.MarkupLineInterpolated($"[green]Model {run.Model}, version {run.Version}: promoted to production.[/]");
                break;
            case RunState.Blocked when run.Goal == RunGoal.Canary:
                console.MarkupLineInterpolated($"[yellow]Model {run.Model}, version {run.Version}: not promoted.[/]");
                PrintReasons(console, run);
                break;
            case RunState.Blocked:
                console.MarkupLineInterpolated($"[yellow]Model {run.Model}, version {run.Version}: registered, not promoted.[/]");
                PrintReasons(console, run);
                break;
            case RunState.Queued or RunState.Running or RunState.Waiting:
                console.MarkupLineInterpolated($"Run {run.RunId} is {RunTable.Lower(run.State)}.");
                break;
            default:
                console.MarkupLineInterpolated($"[red]Run {run.RunId} {RunTable.Lower(run.State)}:[/] {run.Error}");
                break;
        }
    }

    private static void PrintReasons(IAnsiConsole console, Run run)
    {
        foreach (var reason in run.BlockedBy)
        {
            console.MarkupLineInterpolated($"  [yellow]because[/] {reason}");
        }
    }

    private static Table Metrics(IEnumerable<KeyValuePair<string, double>> shown, IReadOnlyDictionary<string, double> metrics)
    {
        var table = Terminal.Table("Metric").AddColumn("Value", column => column.RightAligned()).AddColumn("95 % interval");
        var beside = Beside.Where(other => metrics.Keys.Any(name => name.StartsWith(other.Prefix, StringComparison.Ordinal))).ToList();
        foreach (var other in beside)
        {
            table.AddColumn(other.Title, column => column.RightAligned());
        }
        foreach (var (name, value) in shown)
        {
            var interval = metrics.TryGetValue(IntervalMetrics.Low + name, out var low) && metrics.TryGetValue(IntervalMetrics.High + name, out var high)
                ? $"{Number(low)} to {Number(high)}"
                : "";
            var others = beside.Select(other =>
                name.StartsWith(WinnerMetrics.Validation, StringComparison.Ordinal)
                    && metrics.TryGetValue(other.Prefix + name[WinnerMetrics.Validation.Length..], out var measured)
                    ? new Text(Number(measured))
                    : new Text(""));
            table.AddRow([new Text(name), new Text(Number(value)), new Text(interval), .. others]);
        }
        return table;

        static string Number(double value) => value.ToString("G6", CultureInfo.InvariantCulture);
    }
}

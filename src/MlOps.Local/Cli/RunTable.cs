using System.Globalization;
using MlOps.Pipeline.Orchestration;
using MlOps.Pipeline.Stages.Canary;
using MlOps.Pipeline.Stages.Finish;
using MlOps.Pipeline.Tracking;
using Spectre.Console;

namespace MlOps.Local.Cli;

/// <summary>A run's stages as a table: those it has, and those still to come.</summary>
internal static class RunTable
{
    private static readonly string[] CanarySteps = [CanaryShiftStage.Name, CanaryJudgeStage.Name];

    /// <summary>The run's stages in the order in which they run, with those that have not started as pending.</summary>
    public static IReadOnlyList<StageStatus> Complete(RunDetails details, IReadOnlyList<string> candidates)
    {
        // Finishing is the engine's own last step: what it says stands on the run itself.
        var expected = TrainingPipeline.Outline(details.Run.Goal, candidates, approval: false).Where(call => call.Stage != FinishStage.Name);
        var started = InOrder(details.Stages.Where(stage => stage.Stage != FinishStage.Name));
        var pending = details.Run.HasEnded
            ? []
            : expected.Where(call => !started.Any(stage => (stage.Stage, stage.Key) == call))
                .Select(call => new StageStatus(call.Stage, call.Key, StageState.Pending));
        return [.. started.Concat(pending)];
    }

    /// <summary>Stages by their start; calls of one stage stay together, but for those of a canary's steps, which follow each other.</summary>
    public static IReadOnlyList<StageStatus> InOrder(IEnumerable<StageStatus> stages) =>
    [
        .. stages.GroupBy(stage => CanarySteps.Contains(stage.Stage) ? (stage.Stage, stage.Key) : (stage.Stage, ""))
            .OrderBy(calls => calls.Min(call => call.Started))
            .SelectMany(calls => calls.OrderBy(call => call.Key, StringComparer.Ordinal)),
    ];

    public static Table Draw(IReadOnlyList<StageStatus> stages, DateTimeOffset now)
    {
        var table = Terminal.Table("Stage", "State");
        table.AddColumn("Seconds", column => column.RightAligned()).AddColumn("Rows", column => column.RightAligned());
        foreach (var stage in stages)
        {
            table.AddRow(new Text(NameOf(stage)), State(stage.State), new Text(SecondsOf(stage, now)), new Text(RowsOf(stage)));
        }
        return table;
    }

    /// <summary>One stage for output that cannot be drawn over.</summary>
    public static string Line(StageStatus stage, DateTimeOffset now)
    {
        var seconds = stage.State == StageState.Running ? "" : $"{SecondsOf(stage, now)} s";
        var rows = stage.Rows is null ? "" : $"{RowsOf(stage)} rows";
        return $"  {NameOf(stage),-24} {Lower(stage.State),-10} {seconds,10} {rows,18}".TrimEnd();
    }

    public static string Lower<T>(T state) where T : struct, Enum => state.ToString().ToLowerInvariant();

    private static string NameOf(StageStatus stage) => stage.Key.Length == 0 ? stage.Stage : $"{stage.Stage} {stage.Key}";

    private static Markup State(StageState state) => new(state switch
    {
        StageState.Succeeded => "[green]succeeded[/]",
        StageState.Reused => "[green]reused[/]",
        StageState.Running => "[yellow]running[/]",
        StageState.Failed => "[red]failed[/]",
        _ => $"[grey]{Lower(state)}[/]",
    });

    private static string SecondsOf(StageStatus stage, DateTimeOffset now)
    {
        var seconds = stage.State == StageState.Running && stage.Started is { } started ? (now - started).TotalSeconds : stage.Seconds;
        return seconds?.ToString("0.00", CultureInfo.InvariantCulture) ?? "";
    }

    private static string RowsOf(StageStatus stage) => stage.Rows?.ToString("N0", CultureInfo.InvariantCulture) ?? "";
}

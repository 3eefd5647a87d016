using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Serialization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Tracking;

namespace MlOps.Local.Cli;

/// <summary>How a run ended, for a program: the one object that <c>train --json</c> prints.</summary>
/// <param name="Run">The run's id; null when it did not come to one.</param>
/// <param name="Model">The model's name.</param>
/// <param name="State">The run's final state.</param>
/// <param name="Version">The registered version, if any.</param>
/// <param name="Promoted">True when that version is in production now.</param>
/// <param name="BlockedBy">Why not.</param>
/// <param name="Rows">How many rows were kept, and why the others were dropped; left out when the run did not come to clean them.</param>
/// <param name="Metrics">All metrics of the run.</param>
/// <param name="Stages">Its stages in the order in which they started.</param>
/// <param name="Warnings">What the user should know: headlines first.</param>
/// <param name="PeakMemoryMb">Most memory that this process held, in MiB.</param>
/// <param name="Error">Why the run failed.</param>
internal sealed record RunReport(
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Run,
    string Model,
    RunState State,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] int? Version,
    bool Promoted,
    IReadOnlyList<string> BlockedBy,
    CleanedRows? Rows,
    IReadOnlyDictionary<string, double> Metrics,
    IReadOnlyList<StageLine> Stages,
    IReadOnlyList<Warning> Warnings,
    double PeakMemoryMb,
    string? Error)
{
    public static RunReport Of(RunDetails details) => new(
        details.Run.RunId, details.Run.Model, details.Run.State, details.Run.Version, details.Run.Promoted, details.Run.BlockedBy,
        CleanedRows.Of(details), details.Metrics,
        [.. RunTable.InOrder(details.Stages).Select(stage => new StageLine(stage.Stage, stage.Key, stage.State, stage.Seconds, stage.Rows))],
        RunOutcome.WarningsOf(details), PeakMemory(), details.Run.Error);

    /// <summary>What was wrong before there was a run.</summary>
    public static RunReport OfProblem(string model, string error) => new(
        null, model, RunState.Failed, null, Promoted: false, [], Rows: null, new Dictionary<string, double>(), [], [], PeakMemory(), error);

    private static double PeakMemory()
    {
        const double BytesPerMb = 1024 * 1024;
        return Math.Round((HighWaterMark() ?? Process.GetCurrentProcess().PeakWorkingSet64) / BytesPerMb, 1);
    }

    /// <summary>Linux: the kernel's own record, which the process API reads only now and then.</summary>
    private static long? HighWaterMark()
    {
        const string Status = "/proc/self/status";
        var line = File.Exists(Status) ? File.ReadLines(Status).FirstOrDefault(text => text.StartsWith("VmHWM:", StringComparison.Ordinal)) : null;
        return line is null ? null : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) * 1024;
    }
}

internal sealed record StageLine(string Name, string Key, StageState State, double? Seconds, long? Rows);

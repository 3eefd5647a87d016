using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Orchestration;

/// <summary>What a run may do now, beside the other runs of its model.</summary>
public enum Turn
{
    Go,
    Wait,
    /// <summary>The run does not do what it was started for: see <see cref="RunOrder.Skipped"/>.</summary>
    Skip,
}

/// <summary>
/// The order of a model's runs: by the time they were created, one at a time, unless a run's definition says otherwise. Runs that only ingest
/// or score decide nothing about the model: they wait for no run, and none waits for them.
/// </summary>
public static class RunOrder
{
    public const string WhySkipped = "skipped: an earlier run of this model had not ended (runOn.overlap is 'skip')";

    /// <summary>True when the run may work beside any other.</summary>
    public static bool IsFree(Run run) => run.Overlap == Overlap.Parallel || DecidesNothing(run);

    /// <param name="run">A run that has not ended.</param>
    /// <param name="unfinished">All that have not; those of other models do not matter.</param>
    public static Turn Of(Run run, IEnumerable<Run> unfinished) => FirstBefore(run, unfinished) is null ? Turn.Go : IfHeldUp(run);

    /// <summary>The run that this one has to wait for; null when there is none.</summary>
    public static Run? FirstBefore(Run run, IEnumerable<Run> unfinished) => IsFree(run) ? null : unfinished.FirstOrDefault(other => IsBefore(other, run));

    /// <summary>What the run does when another one is in its way.</summary>
    public static Turn IfHeldUp(Run run) => run.Overlap == Overlap.Skip ? Turn.Skip : Turn.Wait;

    /// <summary>What becomes of a run that skips: it ends, but for one that a dropped file started, which still ingests the file.</summary>
    public static Run Skipped(Run run, DateTimeOffset now) => run switch
    {
        { HasEnded: true } => run,
        { Trigger: RunTriggers.File } => run with { Goal = RunGoal.Dataset, BlockedBy = [WhySkipped] },
        _ => run with { State = RunState.Cancelled, Error = WhySkipped, Ended = now },
    };

    private static bool DecidesNothing(Run run) => run.Goal is RunGoal.Dataset or RunGoal.Score;

    private static bool IsBefore(Run other, Run run) =>
        !DecidesNothing(other) && other.Model == run.Model && (other.Created, other.RunId).CompareTo((run.Created, run.RunId)) < 0;
}

using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Orchestration;

/// <summary>What a run may do now, beside the other runs of its model.</summary>
public enum Turn
{
    Go,
    Wait,
    /// <summary>The run ends and has done nothing.</summary>
    Skip,
}

/// <summary>The order of a model's runs: by the time they were created, one at a time, unless a run's definition says otherwise.</summary>
public static class TurnOrder
{
    public const string WhySkipped = "skipped: an earlier run of this model had not ended (runOn.overlap is 'skip')";

    /// <param name="run">A run that has not ended.</param>
    /// <param name="unfinished">All that have not; those of other models do not matter.</param>
    public static Turn Of(Run run, IEnumerable<Run> unfinished) =>
        run.Overlap == Overlap.Parallel || !unfinished.Any(other => IsBefore(other, run)) ? Turn.Go : IfHeldUp(run);

    /// <summary>What the run does when another one is in its way.</summary>
    public static Turn IfHeldUp(Run run) => run.Overlap == Overlap.Skip ? Turn.Skip : Turn.Wait;

    private static bool IsBefore(Run other, Run run) =>
        other.Model == run.Model && (other.Created, other.RunId).CompareTo((run.Created, run.RunId)) < 0;
}

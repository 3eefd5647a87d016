using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Stages.Train;

/// <summary>
/// Ends training at a declared time with the best that fits into it. The trainers cannot be interrupted and keep what they have, so the time
/// of a tree is measured on a few, and no more are asked for than there is time for.
/// </summary>
internal static class TrainingBudget
{
    private const int Few = 5;
    private const int More = 15;

    /// <summary>The candidate with as many trees, at most, as it may train in its minutes, measuring included.</summary>
    /// <param name="spec">The candidate as declared.</param>
    /// <param name="measure">Trains the given candidate on the real rows and tells how long that took.</param>
    public static CandidateSpec Cut(CandidateSpec spec, Func<CandidateSpec, TimeSpan> measure)
    {
        if (spec.MaxMinutes is not { } minutes || spec.Trainer == TrainerKind.Sdca || spec.Trees <= Few + More)
        {
            return spec;
        }
        // The first training also compiles and warms caches: the second number of trees is the one to trust.
        var few = measure(spec with { Trees = Few, EarlyStopping = 0 });
        var more = measure(spec with { Trees = More, EarlyStopping = 0 });
        var perTree = Math.Max((more - few).TotalSeconds / (More - Few), more.TotalSeconds / (4 * More));
        var before = Math.Max(0, more.TotalSeconds - (More * perTree));
        var left = TimeSpan.FromMinutes(minutes) - few - more;
        var affordable = (left.TotalSeconds - before) / perTree;
        return spec with { Trees = (int)Math.Clamp(affordable, 1, spec.Trees) };
    }
}

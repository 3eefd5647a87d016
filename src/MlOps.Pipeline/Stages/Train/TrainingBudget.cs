using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Stages.Train;

/// <param name="Spec">What is trained: as declared, or with fewer trees.</param>
/// <param name="Lasts">How long that takes at most by what was measured, measuring included; null when nothing was measured.</param>
/// <param name="Fits">How often it is trained: once a fold, and once on all rows.</param>
internal sealed record TrainingPlan(CandidateSpec Spec, TimeSpan? Lasts = null, int Fits = 1);

/// <summary>
/// Ends training at a declared time with the best that fits into it. Trainers that are interrupted do not keep what they have, so the time
/// of a tree is measured on a few, and no more are asked for than there is time for.
/// </summary>
internal static class TrainingBudget
{
    /// <summary>
    /// Cells of the training table times trees, below which no machine of ours takes some minutes: at 3 · 10⁸ a second on two cores (the bench), this is
    /// five. Measuring costs the time of twenty trees.
    /// </summary>
    private const double Short = 1e11;

    private const int Few = 5;
    private const int More = 15;

    /// <summary>The minutes that a candidate may train: its own, or the host's where it trains for long.</summary>
    /// <param name="spec">The candidate as declared.</param>
    /// <param name="most">The host's; null: any.</param>
    /// <param name="cells">Rows times features of the training table.</param>
    public static double? MinutesOf(CandidateSpec spec, double? most, double cells) =>
        most < (spec.MaxMinutes ?? double.PositiveInfinity) && HasTrees(spec.Trainer) && cells * spec.Trees >= Short ? most : spec.MaxMinutes;

    /// <summary>The candidate with as many trees, at most, as it may train in its minutes, measuring included.</summary>
    /// <param name="spec">The candidate as declared.</param>
    /// <param name="measure">Trains the given candidate on the real rows and tells how long that took.</param>
    /// <param name="fits">How often it is going to be trained.</param>
    public static TrainingPlan Plan(CandidateSpec spec, Func<CandidateSpec, TimeSpan> measure, int fits = 1)
    {
        if (spec.MaxMinutes is not { } minutes || !HasTrees(spec.Trainer) || spec.Trees <= Few + More)
        {
            return new TrainingPlan(spec, Fits: fits);
        }
        // The first training also compiles and warms caches: the second number of trees is the one to trust.
        var few = measure(spec with { Trees = Few, EarlyStopping = 0 });
        var more = measure(spec with { Trees = More, EarlyStopping = 0 });
        var perTree = fits * Math.Max((more - few).TotalSeconds / (More - Few), more.TotalSeconds / (4 * More));
        var before = Math.Max(0, (fits * more.TotalSeconds) - (More * perTree));
        var measured = few + more;
        var left = TimeSpan.FromMinutes(minutes) - measured;
        var affordable = (int)Math.Clamp((left.TotalSeconds - before) / perTree, 1, spec.Trees);
        return new TrainingPlan(spec with { Trees = affordable }, measured + TimeSpan.FromSeconds(before + (affordable * perTree)), fits);
    }

    private static bool HasTrees(string trainer) => trainer is TrainerNames.LightGbm or TrainerNames.FastTree or TrainerNames.FastForest;
}

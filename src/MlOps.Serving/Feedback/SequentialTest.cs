using MlOps.Pipeline.Training;

namespace MlOps.Serving.Feedback;

/// <summary>Losses of a variant, summed up.</summary>
/// <param name="Count">How many.</param>
/// <param name="Mean">Their mean.</param>
/// <param name="Variance">Their sample variance.</param>
public readonly record struct LossSummary(long Count, double Mean, double Variance);

/// <summary>
/// Compares the mean losses of two variants so that it may be looked at any time, and as often as one likes: the probability that zero is ever outside the
/// interval while the two are the same is at most alpha.
/// </summary>
/// <remarks>
/// The mixture sequential probability ratio test with a normal mixture over the difference: R. Johari, P. Koomen, L. Pekelis, D. Walsh, "Always Valid
/// Inference: Continuous Monitoring of A/B Tests", Operations Research 70 (2022), with the sample variances in place of the true ones, as there: it holds
/// for means of enough rows, which is why a fewest number is asked for. The mixture's variance makes the interval narrowest near <see cref="TunedFor"/> rows
/// (I. Waudby-Smith et al., "Time-uniform central limit theory and asymptotic confidence sequences", Annals of Statistics 52 (2024), section 2).
/// </remarks>
public static class SequentialTest
{
    /// <summary>Fewest losses of each variant.</summary>
    public const int FewestRows = 100;

    /// <summary>Losses of each variant near which the interval is narrowest.</summary>
    public const int TunedFor = 1_000;

    /// <summary>Where the difference of the means lies, second less first.</summary>
    /// <param name="first">The one.</param>
    /// <param name="second">The other.</param>
    /// <param name="alpha">0 to 1: how probable it may be that the interval ever misses.</param>
    /// <returns>Null where there are too few losses to say anything.</returns>
    public static Interval? Of(LossSummary first, LossSummary second, double alpha)
    {
        if (first.Count < FewestRows || second.Count < FewestRows)
        {
            return null;
        }
        var difference = second.Mean - first.Mean;
        var variance = (first.Variance / first.Count) + (second.Variance / second.Count);
        if (variance <= 0)
        {
            return new Interval(difference, difference);
        }
        var logs = -2 * Math.Log(alpha);
        var mixture = (first.Variance + second.Variance) * (logs + Math.Log(1 + logs)) / TunedFor;
        var half = Math.Sqrt(variance * (variance + mixture) / mixture * (logs + Math.Log((variance + mixture) / variance)));
        return new Interval(difference - half, difference + half);
    }
}

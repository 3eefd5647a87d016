namespace MlOps.Pipeline.Scoring;

/// <summary>
/// How far predictions were from the truth of rows that they were not learnt from, smallest first. A new row's score is at most the one of rank
/// ⌈(n + 1) · level⌉ with a probability of at least the level, whatever the model, where the rows are exchangeable (Vovk, Gammerman and Shafer,
/// Algorithmic Learning in a Random World, 2005; Lei et al., Distribution-Free Predictive Inference for Regression, 2018).
/// </summary>
/// <param name="Label">The class whose rows these are; null for regression.</param>
/// <param name="Count">How many rows.</param>
/// <param name="Values">Their scores; of more than a thousand, those of the ranks that levels in steps of 0.0005 need.</param>
public sealed record ConformalScores(string? Label, int Count, IReadOnlyList<double> Values)
{
    /// <summary>The lowest level that is asked for.</summary>
    public const double LeastLevel = 0.5;

    /// <summary>The highest.</summary>
    public const double MostLevel = 0.99;

    private const int MostKept = 1000;
    private const double Step = 0.0005;

    /// <summary>What is lost in steps and products of levels.</summary>
    private const double Rounding = 1e-9;

    public static ConformalScores Of(string? label, IEnumerable<double> scores)
    {
        double[] sorted = [.. scores.Order()];
        if (sorted.Length <= MostKept)
        {
            return new ConformalScores(label, sorted.Length, sorted);
        }
        var steps = (int)Math.Round((MostLevel - LeastLevel) / Step);
        return new ConformalScores(
            label, sorted.Length, [.. Enumerable.Range(0, steps + 1).Select(step => sorted[RankOf(LeastLevel + (step * Step), sorted.Length) - 1])]);
    }

    /// <summary>The fewest rows that say anything at a level.</summary>
    public static int FewestFor(double level) => (int)Math.Ceiling((level / (1 - level)) - Rounding);

    /// <summary>What a new row's score does not exceed with the probability of the level; null where the rows are too few to say.</summary>
    public double? At(double level)
    {
        var rank = RankOf(level, Count);
        if (rank > Count)
        {
            return null;
        }
        // Between two steps the higher one holds.
        return Count <= MostKept ? Values[rank - 1] : Values[(int)Math.Ceiling(((level - LeastLevel) / Step) - 1e-6)];
    }

    private static int RankOf(double level, int count) => (int)Math.Ceiling(((count + 1) * level) - Rounding);
}

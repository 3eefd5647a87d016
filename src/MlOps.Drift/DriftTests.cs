using MlOps.Drift.Profiles;
using MlOps.Drift.Statistics;

namespace MlOps.Drift;

/// <summary>When a score means drift. P-values drift when small, distances when large; which side the threshold itself is on is Evidently's choice.</summary>
public enum DriftVerdict
{
    Below,
    AtMost,
    AtLeast,
    Above,
}

/// <summary>A drift test as the table names it.</summary>
/// <param name="Kind">Which one.</param>
/// <param name="Name">Its name in definitions and reports, Evidently's, such as <c>ks</c>.</param>
/// <param name="Title">Its name for people.</param>
/// <param name="Threshold">Where drift begins unless a definition says otherwise.</param>
/// <param name="Verdict">How score and threshold decide.</param>
/// <param name="NeedsNumbers">True when it means nothing for categories.</param>
public sealed record DriftTest(DriftTestKind Kind, string Name, string Title, double Threshold, DriftVerdict Verdict, bool NeedsNumbers)
{
    /// <summary>Computes the score of a column.</summary>
    public required Func<ColumnPair, double> Score { get; init; }

    public bool IsPValue => Verdict is DriftVerdict.Below or DriftVerdict.AtMost;

    /// <summary>True when the score means drift. An undefined score (NaN) shows none.</summary>
    public bool Drifts(double score, double threshold) => Verdict switch
    {
        DriftVerdict.Below => score < threshold,
        DriftVerdict.AtMost => score <= threshold,
        DriftVerdict.AtLeast => score >= threshold,
        _ => score > threshold,
    };
}

/// <summary>The tests and the choice between them, those of Evidently's <c>DataDriftPreset</c>; nulls are dropped before anything is counted.</summary>
public static class DriftTests
{
    /// <summary>Up to this many reference values, significance tests; above, where they call every trifle significant, distances.</summary>
    private const int MostRowsOfSmallSample = 1000;

    /// <summary>A numeric column with at most this many values on both sides together is treated as categories.</summary>
    private const int FewValues = 5;

    public static IReadOnlyList<DriftTest> All { get; } =
    [
        OfNumbers(DriftTestKind.KolmogorovSmirnov, "ks", "Kolmogorov-Smirnov p-value", 0.05, DriftVerdict.AtMost, KolmogorovSmirnov.PValue),
        OfAny(DriftTestKind.ChiSquare, "chisquare", "chi-square p-value", 0.05, DriftVerdict.Below, ChiSquare.PValue),
        OfAny(DriftTestKind.Z, "z", "Z-test p-value", 0.05, DriftVerdict.Below, ProportionZ.PValue),
        OfNumbers(DriftTestKind.Wasserstein, "wasserstein", "Wasserstein distance (normed)", 0.1, DriftVerdict.AtLeast, Wasserstein.Distance),
        OfAny(DriftTestKind.JensenShannon, "jensenshannon", "Jensen-Shannon distance", 0.1, DriftVerdict.AtLeast, JensenShannon.Distance),
        OfAny(DriftTestKind.PopulationStability, "psi", "population stability index", 0.1, DriftVerdict.AtLeast, PopulationStability.Index),
        OfAny(DriftTestKind.KullbackLeibler, "kl_div", "Kullback-Leibler divergence", 0.1, DriftVerdict.AtLeast, KullbackLeibler.Divergence),
        OfAny(DriftTestKind.Hellinger, "hellinger", "Hellinger distance", 0.1, DriftVerdict.AtLeast, Hellinger.Distance),
        OfNumbers(DriftTestKind.StudentT, "t_test", "Student's t p-value", 0.05, DriftVerdict.Below, StudentTTest.PValue),
        OfNumbers(DriftTestKind.MannWhitney, "mannw", "Mann-Whitney p-value (one-sided)", 0.05, DriftVerdict.Below, MannWhitney.PValue),
        OfNumbers(DriftTestKind.Energy, "ed", "energy distance", 0.1, DriftVerdict.Above, EnergyDistance.Distance),
    ];

    public static DriftTest Of(DriftTestKind kind) => All[(int)kind];

    /// <summary>
    /// The default test of a column:
    /// <code>
    /// reference values   more than 5 distinct numbers   3 to 5 numbers, categories   1 or 2 values
    /// up to 1000         ks                             chisquare                    z
    /// above              wasserstein                    jensenshannon                jensenshannon
    /// </code>
    /// </summary>
    internal static DriftTest Default(ColumnPair pair)
    {
        var isSmall = pair.Reference.Count <= MostRowsOfSmallSample;
        var distinct = pair.CountDistinct();
        var kind = (isSmall, pair.IsNumeric && distinct > FewValues) switch
        {
            (true, true) => DriftTestKind.KolmogorovSmirnov,
            (true, false) => distinct > 2 ? DriftTestKind.ChiSquare : DriftTestKind.Z,
            (false, true) => DriftTestKind.Wasserstein,
            (false, false) => DriftTestKind.JensenShannon,
        };
        return Of(kind);
    }

    private static DriftTest OfNumbers(DriftTestKind kind, string name, string title, double threshold, DriftVerdict verdict, Func<ColumnPair, double> score) =>
        new(kind, name, title, threshold, verdict, NeedsNumbers: true) { Score = score };

    private static DriftTest OfAny(DriftTestKind kind, string name, string title, double threshold, DriftVerdict verdict, Func<ColumnPair, double> score) =>
        new(kind, name, title, threshold, verdict, NeedsNumbers: false) { Score = score };
}

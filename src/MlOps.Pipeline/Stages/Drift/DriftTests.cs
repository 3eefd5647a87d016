using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Drift.Profiles;
using MlOps.Pipeline.Stages.Drift.Tests;

namespace MlOps.Pipeline.Stages.Drift;

/// <summary>When a score means drift. P-values drift when small, distances when large; which side the threshold itself is on is Evidently's choice.</summary>
internal enum DriftVerdict
{
    Below,
    AtMost,
    AtLeast,
    Above,
}

/// <summary>A drift test as the table names it.</summary>
/// <param name="Kind">Which one.</param>
/// <param name="Title">Its name for people.</param>
/// <param name="Threshold">Where drift begins unless a definition says otherwise.</param>
/// <param name="Verdict">How score and threshold decide.</param>
/// <param name="NeedsNumbers">True when it means nothing for categories.</param>
internal sealed record DriftTest(DriftTestKind Kind, string Title, double Threshold, DriftVerdict Verdict, bool NeedsNumbers)
{
    public required Func<ColumnPair, double> Score { get; init; }

    /// <summary>The name in definitions and reports, such as <c>ks</c>.</summary>
    public string Name => DefinitionNames.DriftTests.NameOf(Kind);

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
internal static class DriftTests
{
    /// <summary>Up to this many reference values, significance tests; above, where they call every trifle significant, distances.</summary>
    private const int MostRowsOfSmallSample = 1000;

    /// <summary>A numeric column with at most this many values on both sides together is treated as categories.</summary>
    private const int FewValues = 5;

    public static IReadOnlyList<DriftTest> All { get; } =
    [
        new(DriftTestKind.KolmogorovSmirnov, "Kolmogorov-Smirnov p-value", 0.05, DriftVerdict.AtMost, NeedsNumbers: true) { Score = KolmogorovSmirnov.PValue },
        new(DriftTestKind.ChiSquare, "chi-square p-value", 0.05, DriftVerdict.Below, NeedsNumbers: false) { Score = ChiSquare.PValue },
        new(DriftTestKind.Z, "Z-test p-value", 0.05, DriftVerdict.Below, NeedsNumbers: false) { Score = ProportionZ.PValue },
        new(DriftTestKind.Wasserstein, "Wasserstein distance (normed)", 0.1, DriftVerdict.AtLeast, NeedsNumbers: true) { Score = Wasserstein.Distance },
        new(DriftTestKind.JensenShannon, "Jensen-Shannon distance", 0.1, DriftVerdict.AtLeast, NeedsNumbers: false) { Score = JensenShannon.Distance },
        new(DriftTestKind.PopulationStability, "population stability index", 0.1, DriftVerdict.AtLeast, NeedsNumbers: false) { Score = PopulationStability.Index },
        new(DriftTestKind.KullbackLeibler, "Kullback-Leibler divergence", 0.1, DriftVerdict.AtLeast, NeedsNumbers: false) { Score = KullbackLeibler.Divergence },
        new(DriftTestKind.Hellinger, "Hellinger distance", 0.1, DriftVerdict.AtLeast, NeedsNumbers: false) { Score = Hellinger.Distance },
        new(DriftTestKind.StudentT, "Student's t p-value", 0.05, DriftVerdict.Below, NeedsNumbers: true) { Score = StudentTTest.PValue },
        new(DriftTestKind.MannWhitney, "Mann-Whitney p-value (one-sided)", 0.05, DriftVerdict.Below, NeedsNumbers: true) { Score = MannWhitney.PValue },
        new(DriftTestKind.Energy, "energy distance", 0.1, DriftVerdict.Above, NeedsNumbers: true) { Score = EnergyDistance.Distance },
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
}

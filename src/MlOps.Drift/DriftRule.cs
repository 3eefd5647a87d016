
namespace MlOps.Drift;

/// <summary>The drift tests that a definition may name.</summary>
public enum DriftTestKind
{
    KolmogorovSmirnov,
    ChiSquare,
    Z,
    Wasserstein,
    JensenShannon,
    PopulationStability,
    KullbackLeibler,
    Hellinger,
    StudentT,
    MannWhitney,
    Energy,
}

/// <summary>How drift of one column is judged.</summary>
/// <param name="Test">Null: chosen from the data.</param>
/// <param name="Threshold">Null: the test's own.</param>
public sealed record DriftRule(DriftTestKind? Test = null, double? Threshold = null);

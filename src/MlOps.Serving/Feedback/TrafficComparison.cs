using MlOps.Pipeline.Training;

namespace MlOps.Serving.Feedback;

/// <summary>How the versions between which a model's traffic is split have done since it was split.</summary>
/// <param name="From">Predictions from this time on,</param>
/// <param name="Until">and before this one.</param>
/// <param name="Loss">What is compared, less is better: <c>squared_error</c>, <c>brier</c> or <c>error_rate</c>.</param>
/// <param name="Variants">Each version.</param>
/// <param name="Differences">Each other version against production.</param>
/// <param name="Unmatched">Feedback of this time that no logged prediction belongs to.</param>
public sealed record TrafficComparison(
    DateTimeOffset From, DateTimeOffset Until, string Loss, IReadOnlyList<VariantResult> Variants, IReadOnlyList<VariantDifference> Differences,
    long Unmatched)
{
    /// <summary>What the shadow would have answered; left out where there is none.</summary>
    public ShadowReport? Shadow { get; init; }
}

/// <summary>How a version has done.</summary>
/// <param name="Version">The version.</param>
/// <param name="Variant">As what it answered.</param>
/// <param name="Predictions">Rows that it answered.</param>
/// <param name="Failed">Rows that it could not answer, and production did.</param>
/// <param name="Feedback">Rows of which it is known what came true.</param>
/// <param name="Loss">The mean loss of these; left out where there are none.</param>
/// <param name="Metrics">By name: <c>rmse</c> and <c>mae</c>, or <c>accuracy</c>.</param>
public sealed record VariantResult(
    int Version, string Variant, long Predictions, long Failed, long Feedback, double? Loss, IReadOnlyDictionary<string, double> Metrics);

/// <summary>A version against production.</summary>
/// <param name="Version">The version.</param>
/// <param name="Verdict"><c>better</c>, <c>worse</c>, <c>undecided</c>, or <c>too few</c> where a variant has less than 100 rows with feedback.</param>
/// <param name="Loss">Its mean loss less production's; left out where there are too few.</param>
/// <param name="Interval">Where that lies with a probability of 0.95, however often one looks; of several versions, where all of them do.</param>
public sealed record VariantDifference(int Version, string Verdict, double? Loss, Interval? Interval);

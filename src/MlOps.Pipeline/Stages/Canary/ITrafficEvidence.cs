using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Training;

namespace MlOps.Pipeline.Stages.Canary;

/// <summary>Tells how versions have done under a split. Whoever keeps predictions and feedback implements it.</summary>
public interface ITrafficEvidence
{
    /// <summary>What is known of each version that answers beside production, since the split was made.</summary>
    Task<IReadOnlyDictionary<int, ChallengerEvidence>> OfAsync(string model, TrafficSplit split, CancellationToken cancel);
}

/// <summary>What is known of a version that answers beside production.</summary>
/// <param name="Predictions">Rows that it answered.</param>
/// <param name="Failed">Rows that it was to answer and could not.</param>
/// <param name="Feedback">Rows of which it is known what came true: of the version, or of production, whichever has fewer.</param>
/// <param name="Loss">What is compared, less is better: <c>squared_error</c>, <c>brier</c> or <c>error_rate</c>.</param>
/// <param name="Difference">Its mean loss less production's; null where there are too few rows.</param>
/// <param name="Interval">Where that lies, however often one looks; null where there are too few rows.</param>
public sealed record ChallengerEvidence(long Predictions, long Failed, long Feedback, string Loss, double? Difference, Interval? Interval);

using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages.Canary;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Feedback;

/// <summary>What canaries and rules decide by: the comparison that people see.</summary>
public sealed class TrafficEvidence(TrafficComparer comparer) : ITrafficEvidence
{
    public async Task<ChallengerEvidence> OfAsync(string model, TrafficSplit split, int version, CancellationToken cancel)
    {
        var comparison = await comparer.CompareAsync(model, split, cancel);
        var mine = comparison.Variants.FirstOrDefault(variant => variant.Version == version && variant.Variant == Variants.Challenger);
        var theirs = comparison.Variants.FirstOrDefault(variant => variant.Version == split.Production && variant.Variant == Variants.Production);
        var difference = comparison.Differences.FirstOrDefault(difference => difference.Version == version);
        return new ChallengerEvidence(
            mine?.Predictions ?? 0, mine?.Failed ?? 0, Math.Min(mine?.Feedback ?? 0, theirs?.Feedback ?? 0), comparison.Loss, difference?.Loss,
            difference?.Interval);
    }
}

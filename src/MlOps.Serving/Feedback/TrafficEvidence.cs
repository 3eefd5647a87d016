using MlOps.Pipeline.Registry;
using MlOps.Pipeline.Stages.Canary;
using MlOps.Serving.Monitoring;

namespace MlOps.Serving.Feedback;

/// <summary>What canaries and rules decide by: the comparison that people see.</summary>
public sealed class TrafficEvidence(TrafficComparer comparer) : ITrafficEvidence
{
    public async Task<IReadOnlyDictionary<int, ChallengerEvidence>> OfAsync(string model, TrafficSplit split, CancellationToken cancel)
    {
        var comparison = await comparer.CompareAsync(model, split, cancel);
        var production = Find(split.Production, Variants.Production);
        return split.Challengers.ToDictionary(version => version, version =>
        {
            var mine = Find(version, Variants.Challenger);
            var difference = comparison.Differences.FirstOrDefault(difference => difference.Version == version);
            return new ChallengerEvidence(
                mine?.Predictions ?? 0, mine?.Failed ?? 0, Math.Min(mine?.Feedback ?? 0, production?.Feedback ?? 0), comparison.Loss, difference?.Loss,
                difference?.Interval);
        });

        VariantResult? Find(int version, string variant) =>
            comparison.Variants.FirstOrDefault(result => result.Version == version && result.Variant == variant);
    }
}

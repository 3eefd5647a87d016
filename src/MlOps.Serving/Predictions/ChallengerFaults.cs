using System.Collections.Concurrent;

namespace MlOps.Serving.Predictions;

/// <summary>Whether a challenger's fault is news: the first under a split, and one a minute.</summary>
internal sealed class ChallengerFaults(TimeProvider time)
{
    private static readonly TimeSpan BetweenWarnings = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(string Model, int Version), (string Split, long At)> told = new();

    public bool IsNews(string model, string split, int version)
    {
        var now = time.GetTimestamp();
        if (told.TryGetValue((model, version), out var last) && last.Split == split && time.GetElapsedTime(last.At, now) < BetweenWarnings)
        {
            return false;
        }
        told[(model, version)] = (split, now);
        return true;
    }
}

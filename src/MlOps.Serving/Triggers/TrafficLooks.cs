using System.Collections.Concurrent;
using MlOps.Pipeline.Registry;

namespace MlOps.Serving.Triggers;

/// <summary>
/// When this process looked at splits. What is found by all rows since a split was made costs more to read again the longer it lasts, and changes the less.
/// </summary>
public sealed class TrafficLooks(TimeProvider time)
{
    /// <summary>Part of a split's age that passes between two looks.</summary>
    private const double PartOfAge = 0.05;

    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, long> looked = new(StringComparer.Ordinal);

    /// <summary>True when it is time to look.</summary>
    public bool IsDue(TrafficSplit split)
    {
        var pause = (time.GetUtcNow() - split.Since) * PartOfAge;
        return !looked.TryGetValue(split.Id, out var last) || time.GetElapsedTime(last) >= (pause < LongestPause ? pause : LongestPause);
    }

    /// <summary>It was looked at; what could not be is tried again at once.</summary>
    public void Note(TrafficSplit split) => looked[split.Id] = time.GetTimestamp();

    /// <summary>Forgets splits that are over.</summary>
    public void Forget(IEnumerable<string> present)
    {
        foreach (var over in looked.Keys.Except(present, StringComparer.Ordinal).ToList())
        {
            looked.TryRemove(over, out _);
        }
    }
}

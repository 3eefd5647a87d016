using System.Runtime.ExceptionServices;

namespace MlOps.Serving.Models;

/// <summary>Versions whose loading failed, why, and until when each is left alone: callers get that fault meanwhile.</summary>
internal sealed class FailingLoads(ServingOptions options, TimeProvider time)
{
    private readonly Dictionary<int, FailingLoad> versions = [];

    /// <summary>The version's fault, while it is left alone.</summary>
    public FailingLoad? Find(int version) => versions.GetValueOrDefault(version) is { } load && time.GetElapsedTime(load.Noted) < load.Pause ? load : null;

    public void Note(int version, Exception fault)
    {
        var failures = (versions.GetValueOrDefault(version)?.Failures ?? 0) + 1;
        versions[version] = new FailingLoad(
            ExceptionDispatchInfo.Capture(fault), failures, time.GetTimestamp(), BackOff.After(failures, options.RefreshEvery, options.LongestPause));
    }
}

/// <summary>A version's failed load.</summary>
internal sealed record FailingLoad(ExceptionDispatchInfo Why, int Failures, long Noted, TimeSpan Pause)
{
    public T Throw<T>()
    {
        Why.Throw();
        throw Why.SourceException;
    }
}

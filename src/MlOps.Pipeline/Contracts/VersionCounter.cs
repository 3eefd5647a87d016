using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace MlOps.Pipeline.Contracts;

/// <summary>
/// An instrument that counts by model and version, and is told of when somebody asks: to add to it costs next to nothing, where a counter that tells of each
/// addition costs every request some hundred nanoseconds, once for each who listens.
/// </summary>
public sealed class VersionCounter
{
    private readonly ConcurrentDictionary<(string Model, int Version), Count> counts = new();

    internal VersionCounter(Meter meter, string name, string unit, string description) =>
        meter.CreateObservableCounter(name, () => counts.Values.Select(count => count.Measure()), unit, description);

    /// <summary>The count of a version, always the same one: it never falls while the process lasts.</summary>
    public Count Of(string model, int version) => counts.GetOrAdd((model, version), static of => new Count(of.Model, of.Version));

    /// <summary>What was counted of one version. Safe to use from many threads at once.</summary>
    public sealed class Count
    {
        private long value;

        internal Count(string model, int version) =>
            Tags = [new(Telemetry.Model, model), new(Telemetry.Version, version.ToString(CultureInfo.InvariantCulture))];

        /// <summary>By what measurements of the version are told apart.</summary>
        public KeyValuePair<string, object?>[] Tags { get; }

        public void Add(long more) => Interlocked.Add(ref value, more);

        internal Measurement<long> Measure() => new(Interlocked.Read(ref value), Tags);
    }
}

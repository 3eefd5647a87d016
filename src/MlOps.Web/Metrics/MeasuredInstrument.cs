using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace MlOps.Web.Metrics;

/// <summary>How the values of an instrument go together, as the Prometheus text format calls it.</summary>
internal enum MetricKind
{
    Counter,
    Gauge,
    Histogram,
}

/// <summary>One instrument and what was measured with it, by tags.</summary>
internal sealed class MeasuredInstrument(Instrument instrument, MetricKind kind, double[] bounds)
{
    /// <summary>OpenTelemetry's limit: what comes with still other tags is summed up in one series, so that no caller fills the memory.</summary>
    private const int MostSeries = 2000;

    private static readonly KeyValuePair<string, object?>[] Overflow = [new("otel.metric.overflow", "true")];

    /// <summary>By a hash of their tags; nearly always one.</summary>
    private readonly ConcurrentDictionary<int, MeasuredSeries[]> series = new();
    private readonly Lock adding = new();
    /// <summary>Whether a measurement is what comes on top; what is observed is the whole already.</summary>
    private readonly bool addsUp = instrument is Counter<long> or Counter<double> or UpDownCounter<long> or UpDownCounter<double>;
    private int known;
    /// <summary>Whose tags came last: most often the next ones are the same.</summary>
    private volatile MeasuredSeries? last;

    public Instrument Instrument => instrument;

    public MetricKind Kind => kind;

    public double[] Bounds => bounds;

    public IEnumerable<MeasuredSeries> Series => series.Values.SelectMany(several => several);

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var one = Find(tags);
        if (kind == MetricKind.Histogram)
        {
            one.Observe(value);
        }
        else if (addsUp)
        {
            one.Add(value);
        }
        else
        {
            one.Set(value);
        }
    }

    private MeasuredSeries Find(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (last is { } before && before.Has(tags))
        {
            return before;
        }
        var hash = HashOf(tags);
        if (series.TryGetValue(hash, out var several))
        {
            foreach (var one in several)
            {
                if (one.Has(tags))
                {
                    return last = one;
                }
            }
        }
        return Add(hash, tags);
    }

    private MeasuredSeries Add(int hash, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (adding)
        {
            var several = series.GetValueOrDefault(hash) ?? [];
            foreach (var one in several)
            {
                if (one.Has(tags))
                {
                    return one;
                }
            }
            if (known >= MostSeries && !tags.SequenceEqual(Overflow))
            {
                return Find(Overflow);
            }
            known++;
            var added = new MeasuredSeries(tags.ToArray(), bounds);
            series[hash] = [.. several, added];
            return added;
        }
    }

    private static int HashOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var hash = new HashCode();
        foreach (var (_, value) in tags)
        {
            hash.Add(value);
        }
        return hash.ToHashCode();
    }
}

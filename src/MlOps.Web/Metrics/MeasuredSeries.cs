namespace MlOps.Web.Metrics;

/// <summary>What was measured of one instrument with the same tags. Safe to use from many threads at once.</summary>
internal sealed class MeasuredSeries(KeyValuePair<string, object?>[] tags, double[] bounds)
{
    private readonly Lock gate = new();
    private readonly long[] buckets = new long[bounds.Length + 1];
    private long count;
    private double value;

    public ReadOnlySpan<KeyValuePair<string, object?>> Tags => tags;

    public void Add(double amount)
    {
        lock (gate)
        {
            value += amount;
        }
    }

    public void Set(double now)
    {
        lock (gate)
        {
            value = now;
        }
    }

    /// <summary>Counts a measurement in its bucket, whose upper bound it may equal.</summary>
    public void Observe(double measured)
    {
        var place = 0;
        while (place < bounds.Length && measured > bounds[place])
        {
            place++;
        }
        lock (gate)
        {
            buckets[place]++;
            count++;
            value += measured;
        }
    }

    public Reading Read()
    {
        lock (gate)
        {
            return new Reading(value, count, [.. buckets]);
        }
    }

    /// <summary>True when these are its tags, in the same order: who measures always gives the same.</summary>
    public bool Has(ReadOnlySpan<KeyValuePair<string, object?>> others)
    {
        if (others.Length != tags.Length)
        {
            return false;
        }
        for (var i = 0; i < tags.Length; i++)
        {
            if (!ReferenceEquals(tags[i].Value, others[i].Value) && !Equals(tags[i].Value, others[i].Value))
            {
                return false;
            }
            if (!ReferenceEquals(tags[i].Key, others[i].Key) && tags[i].Key != others[i].Key)
            {
                return false;
            }
        }
        return true;
    }

    /// <param name="Value">The sum, or the last value of a gauge.</param>
    /// <param name="Count">How many measurements; histograms only.</param>
    /// <param name="Buckets">How many in each bucket, not cumulated; the last has no upper bound.</param>
    internal readonly record struct Reading(double Value, long Count, long[] Buckets);
}

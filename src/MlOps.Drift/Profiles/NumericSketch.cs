namespace MlOps.Drift.Profiles;

/// <summary>
/// Builds a <see cref="NumericProfile"/> of any number of values in constant memory, in one pass: every distinct value with its count while
/// they are few enough; beyond, buckets with exact count, mean and extremes, the lighter the nearer to either end, so that a distance between
/// two profiles is off by no more than the buckets are wide. Values that occur often keep a bucket of their own. A merging digest after
/// Dunning (2019).
/// </summary>
/// <param name="most">Most entries kept.</param>
/// <param name="rows">An upper bound of the values to come; small tables need small buffers.</param>
public sealed class NumericSketch(int most, long rows)
{
    private const int LargestBuffer = 1 << 16;

    [ThreadStatic]
    private static double[]? scratch;

    private double[] buffer = [];
    private Entry[] entries = [];
    private Entry[] merged = [];
    private int length;
    private int filled;
    private bool isExact = true;
    private long count;
    private long missing;
    private double mean;
    private double squaredDeviations;

    public void Add(double value)
    {
        if (!double.IsFinite(value))
        {
            missing++;
            return;
        }
        if (filled == buffer.Length)
        {
            MakeRoom();
        }
        // Adding zero makes one zero of both.
        buffer[filled++] = value + 0.0;
    }

    public void AddMissing() => missing++;

    /// <summary>Adds all values that another sketch has seen.</summary>
    public void Add(NumericProfile other)
    {
        missing += other.Missing;
        if (other.Total == 0)
        {
            return;
        }
        Flush();
        AddMoments(other.Total, other.Mean, other.SquaredDeviations);
        var theirs = other.Values.Select((value, i) => new Entry(value, other.Buckets?.Low[i] ?? value, other.Buckets?.High[i] ?? value, other.Counts[i]))
            .ToArray();
        isExact &= other.IsExact;
        merged = new Entry[length + theirs.Length];
        int i = 0, j = 0, next = 0;
        while (i < length || j < theirs.Length)
        {
            if (j == theirs.Length || (i < length && entries[i].Value < theirs[j].Value))
            {
                merged[next++] = entries[i++];
            }
            else if (i < length && entries[i].Value == theirs[j].Value && entries[i].IsOneValue && theirs[j].IsOneValue)
            {
                merged[next++] = entries[i++].Join(theirs[j++]);
            }
            else
            {
                merged[next++] = theirs[j++];
            }
        }
        length = next;
        (entries, merged) = (merged, entries);
        if (length > most)
        {
            Compress();
        }
    }

    public NumericProfile Finish()
    {
        Flush();
        var kept = entries.AsSpan(0, length);
        var profile = new NumericProfile
        {
            Missing = missing,
            Values = new double[length],
            Counts = new long[length],
            Buckets = isExact ? null : (new double[length], new double[length]),
            Total = count,
            Mean = mean,
            SquaredDeviations = squaredDeviations,
        };
        for (var i = 0; i < length; i++)
        {
            profile.Values[i] = kept[i].Value;
            profile.Counts[i] = kept[i].Count;
            if (profile.Buckets is { } buckets)
            {
                (buckets.Low[i], buckets.High[i]) = (kept[i].Low, kept[i].High);
            }
        }
        return profile;
    }

    private void MakeRoom()
    {
        Flush();
        if (buffer.Length == 0)
        {
            buffer = new double[(int)Math.Clamp(rows, 1, LargestBuffer)];
        }
    }

    private void Flush()
    {
        var values = buffer.AsSpan(0, filled);
        filled = 0;
        if (values.IsEmpty)
        {
            return;
        }
        RadixSort.Sort(values, scratch ??= new double[LargestBuffer]);
        AddMoments(values);
        Merge(values);
        if (length > most)
        {
            Compress();
        }
    }

    /// <summary>Moments of the buffer about its smallest value, joined with those before (Chan, Golub and LeVeque, 1979).</summary>
    private void AddMoments(ReadOnlySpan<double> values)
    {
        double smallest = values[0], sum = 0, squares = 0;
        foreach (var value in values)
        {
            sum += value - smallest;
        }
        var bufferMean = smallest + (sum / values.Length);
        foreach (var value in values)
        {
            squares += (value - bufferMean) * (value - bufferMean);
        }
        AddMoments(values.Length, bufferMean, squares);
    }

    private void AddMoments(long moreValues, double theirMean, double theirSquaredDeviations)
    {
        var total = count + moreValues;
        var difference = theirMean - mean;
        squaredDeviations += theirSquaredDeviations + (difference * difference * count * moreValues / total);
        mean = count == 0 ? theirMean : mean + (difference * moreValues / total);
        count = total;
    }

    private void Merge(ReadOnlySpan<double> values)
    {
        if (merged.Length < length + values.Length)
        {
            merged = new Entry[Math.Max(length + values.Length, Math.Min(2 * merged.Length, most + LargestBuffer))];
        }
        int i = 0, j = 0, next = 0;
        while (i < length || j < values.Length)
        {
            if (j == values.Length || (i < length && entries[i].Value < values[j]))
            {
                merged[next++] = entries[i++];
                continue;
            }
            var value = values[j];
            var start = j;
            while (j < values.Length && values[j] == value)
            {
                j++;
            }
            long times = j - start;
            if (i < length && entries[i].Value == value && entries[i].IsOneValue)
            {
                times += entries[i++].Count;
            }
            merged[next++] = new Entry(value, value, value, times);
        }
        length = next;
        (entries, merged) = (merged, entries);
    }

    /// <summary>
    /// Joins neighbours while their weight stays below a · √(q(1 − q)) at quantile q. That leaves about π/a buckets: with a = 2π/most half of
    /// what may be kept, at worst all.
    /// </summary>
    private void Compress()
    {
        isExact = false;
        var next = 0;
        var open = entries[0];
        var before = 0.0;
        for (var i = 1; i < length; i++)
        {
            var weight = open.Count + entries[i].Count;
            var q = (before + (weight / 2.0)) / count;
            if (weight <= 2 * Math.PI / most * count * Math.Sqrt(q * (1 - q)))
            {
                open = open.Join(entries[i]);
            }
            else
            {
                entries[next++] = open;
                before += open.Count;
                open = entries[i];
            }
        }
        entries[next++] = open;
        length = next;
    }

    private readonly record struct Entry(double Value, double Low, double High, long Count)
    {
        public bool IsOneValue => Low == High;

        public Entry Join(Entry next) => new(
            Value + ((next.Value - Value) * next.Count / (Count + next.Count)), Math.Min(Low, next.Low), Math.Max(High, next.High), Count + next.Count);
    }
}

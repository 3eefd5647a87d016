using System.Globalization;

namespace MlOps.Testing;

/// <summary>What a network, or the storage behind it, does to a request on a bad day.</summary>
public enum StorageFault
{
    /// <summary>500.</summary>
    Broken,
    /// <summary>503, with Retry-After.</summary>
    Unavailable,
    /// <summary>429, with Retry-After.</summary>
    Throttled,
    /// <summary>No answer until the client gives up.</summary>
    Hang,
    /// <summary>The connection is reset before storage has seen the request.</summary>
    Reset,
    /// <summary>The connection ends within the answer's body.</summary>
    CutAnswer,
    /// <summary>The connection ends within the request's body.</summary>
    CutRequest,
    /// <summary>Storage does what it was asked, and the connection is reset before it can say so.</summary>
    LostAnswer,
}

/// <summary>Faults of all kinds at random, and what came of it in numbers.</summary>
/// <param name="seed">Where the random numbers begin; which request meets which of them is up to the threads that ask.</param>
/// <param name="rate">The share of requests that meet one.</param>
public sealed class StorageFaults(int seed, double rate)
{
    private readonly Random random = new(seed);
    private readonly Lock gate = new();
    private readonly int[] met = new int[Enum.GetValues<StorageFault>().Length];

    private int requests;

    /// <summary>Which kinds there are; the usual: all.</summary>
    public IReadOnlyList<StorageFault> Kinds { get; init; } = Enum.GetValues<StorageFault>();

    /// <summary>Which requests may meet one, by method and raw target; null: all.</summary>
    public Func<string, string, bool>? Among { get; init; }

    /// <summary>For clients whose patience a test cannot set: after this time what hangs is reset.</summary>
    public TimeSpan LongestHang { get; init; } = Timeout.InfiniteTimeSpan;

    /// <summary>How many there may be in all.</summary>
    public int Most { get; init; } = int.MaxValue;

    /// <summary>How many there were.</summary>
    public int Count
    {
        get
        {
            lock (gate)
            {
                return met.Sum();
            }
        }
    }

    /// <summary>What the next request meets; null: nothing.</summary>
    public StorageFault? Next(string method, string target)
    {
        lock (gate)
        {
            requests++;
            if (Among?.Invoke(method, target) == false || met.Sum() >= Most || random.NextDouble() >= rate)
            {
                return null;
            }
            var fault = Kinds[random.Next(Kinds.Count)];
            met[(int)fault]++;
            return fault;
        }
    }

    public override string ToString()
    {
        lock (gate)
        {
            var kinds = Enum.GetValues<StorageFault>().Where(kind => met[(int)kind] > 0)
                .Select(kind => string.Create(CultureInfo.InvariantCulture, $"{kind} {met[(int)kind]}"));
            return string.Create(CultureInfo.InvariantCulture, $"{met.Sum()} faults in {requests} requests ({string.Join(", ", kinds)}), seed {seed}");
        }
    }
}

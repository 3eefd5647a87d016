namespace MlOps.Pipeline.Data.Duck;

/// <summary>The least of the numbers that it is offered, by any number of threads in any order.</summary>
/// <param name="most">How many it keeps.</param>
internal sealed class LeastNumbers(int most)
{
    private readonly Lock changing = new();
    private SortedSet<long>? kept;
    private long limit = long.MaxValue;

    /// <summary>From the least on.</summary>
    public IReadOnlyList<long> Numbers => [.. kept ?? []];

    public void Offer(long number)
    {
        if (number >= Volatile.Read(ref limit))
        {
            return;
        }
        lock (changing)
        {
            kept ??= [];
            kept.Add(number);
            if (kept.Count > most)
            {
                kept.Remove(kept.Max);
            }
            if (kept.Count == most)
            {
                Volatile.Write(ref limit, kept.Max);
            }
        }
    }
}

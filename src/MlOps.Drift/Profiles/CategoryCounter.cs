using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;

namespace MlOps.Drift.Profiles;

/// <summary>Counts categories in constant memory: each by name while they are few enough, beyond also by hash.</summary>
/// <param name="most">Most categories kept by name.</param>
public sealed class CategoryCounter(int most)
{
    private readonly Dictionary<string, long> counts = new(Utf8Comparer.Instance);
    private long[]? hashed;
    private long count;
    private long missing;

    public void Add(ReadOnlySpan<byte> utf8)
    {
        count++;
        if (hashed is not null)
        {
            hashed[CategoryHash.BucketOf(utf8)]++;
            return;
        }
        CollectionsMarshal.GetValueRefOrAddDefault(counts.GetAlternateLookup<ReadOnlySpan<byte>>(), utf8, out _)++;
        if (counts.Count > most)
        {
            hashed = CategoryHash.Counts(Finish());
        }
    }

    public void AddMissing() => missing++;

    /// <summary>Adds all that another counter counted.</summary>
    public void Add(CategoryProfile other)
    {
        missing += other.Missing;
        count += other.Total;
        if (hashed is null && other.IsExact)
        {
            foreach (var (category, times) in other.Counts)
            {
                CollectionsMarshal.GetValueRefOrAddDefault(counts, category, out _) += times;
            }
            if (counts.Count > most)
            {
                hashed = CategoryHash.Counts(Finish());
            }
            return;
        }
        hashed ??= CategoryHash.Counts(Finish());
        var more = CategoryHash.Counts(other);
        for (var bucket = 0; bucket < hashed.Length; bucket++)
        {
            hashed[bucket] += more[bucket];
        }
    }

    public CategoryProfile Finish() => new() { Counts = counts, Hashed = hashed, Missing = missing, Total = count };

    /// <summary>Finds a category by the bytes that DuckDB holds, without making a string of each cell.</summary>
    private sealed class Utf8Comparer : IEqualityComparer<string>, IAlternateEqualityComparer<ReadOnlySpan<byte>, string>
    {
        public static Utf8Comparer Instance { get; } = new();

        public bool Equals(string? x, string? y) => string.Equals(x, y, StringComparison.Ordinal);

        public int GetHashCode(string text) => GetHashCode(Encoding.UTF8.GetBytes(text).AsSpan());

        public string Create(ReadOnlySpan<byte> alternate) => Encoding.UTF8.GetString(alternate);

        public bool Equals(ReadOnlySpan<byte> alternate, string other)
        {
            const int Short = 256;
            if (other.Length > Short)
            {
                return alternate.SequenceEqual(Encoding.UTF8.GetBytes(other));
            }
            Span<byte> bytes = stackalloc byte[Short * 3];
            return alternate.SequenceEqual(bytes[..Encoding.UTF8.GetBytes(other, bytes)]);
        }

        public int GetHashCode(ReadOnlySpan<byte> alternate) => (int)XxHash3.HashToUInt64(alternate);
    }
}

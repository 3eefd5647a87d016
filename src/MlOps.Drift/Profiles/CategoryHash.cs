using System.IO.Hashing;
using System.Text;

namespace MlOps.Drift.Profiles;

/// <summary>
/// Columns with more categories than can be kept are compared by hash: the same category falls into the same bucket on both sides, whichever
/// categories each side has kept by name.
/// </summary>
internal static class CategoryHash
{
    public const int Buckets = 4096;

    public static int BucketOf(ReadOnlySpan<byte> utf8) => (int)(XxHash3.HashToUInt64(utf8) % Buckets);

    public static long[] Counts(CategoryProfile profile)
    {
        if (profile.Hashed is { } hashed)
        {
            return hashed;
        }
        var counts = new long[Buckets];
        foreach (var (category, count) in profile.Counts)
        {
            counts[BucketOf(Encoding.UTF8.GetBytes(category))] += count;
        }
        return counts;
    }
}

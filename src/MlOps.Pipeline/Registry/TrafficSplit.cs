using System.IO.Hashing;
using System.Text;

namespace MlOps.Pipeline.Registry;

/// <summary>The share of a model's requests that a version answers.</summary>
/// <param name="Version">The version.</param>
/// <param name="Percent">Its share, 0 to 100.</param>
public sealed record TrafficShare(int Version, int Percent);

/// <summary>
/// How a model's requests are shared out between its versions. It names the version in production when it was made: as soon as production moves, the split
/// is over and the new production version answers everything.
/// </summary>
public sealed record TrafficSplit
{
    /// <summary>What it is called among a model's aliases, none of which may be called so.</summary>
    public const string Name = "traffic";

    /// <summary>Rows are shared out as finely as a hundredth of a percent.</summary>
    private const int Buckets = 10_000;

    /// <summary>Tells one split from the next: what was compared under one says nothing about another.</summary>
    public required string Id { get; init; }

    /// <summary>The version in production.</summary>
    public required int Production { get; init; }

    /// <summary>Every version that answers, production among them; together 100 percent.</summary>
    public required IReadOnlyList<TrafficShare> Shares { get; init; }

    /// <summary>A version that is asked too, and whose answers nobody gets; null: none.</summary>
    public int? Shadow { get; init; }

    /// <summary>Since when it is so.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>Why.</summary>
    public required string Reason { get; init; }

    /// <summary>The run whose canary this is; null: a person has set it.</summary>
    public string? RunId { get; init; }

    /// <summary>The versions beside production that answer.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IEnumerable<int> Challengers => Shares.Where(share => share.Version != Production && share.Percent > 0).Select(share => share.Version);

    /// <summary>Every version that it names.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public IEnumerable<int> Versions => Shares.Select(share => share.Version).Append(Shadow ?? Production).Append(Production).Distinct();

    /// <summary>In words, such as <c>90 % version 3, 10 % version 4</c>.</summary>
    public override string ToString() =>
        string.Join(", ", Shares.Select(share => $"{share.Percent} % version {share.Version}")) + (Shadow is { } shadow ? $", version {shadow} as shadow" : "");

    /// <summary>
    /// Where a key falls: always the same, on every host and in every release, so that who was answered by a version stays with it while shares grow.
    /// </summary>
    /// <returns>0 to 9,999: XXH3 (64 bits) of the key's UTF-8, modulo 10,000.</returns>
    public static int BucketOf(string key) => (int)(XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(key)) % Buckets);

    /// <summary>A bucket for who has no key.</summary>
    public static int AnyBucket() => Random.Shared.Next(Buckets);

    /// <summary>The version that answers a bucket. Challengers have the lowest buckets: one whose share grows keeps those that it had.</summary>
    public int VersionOf(int bucket)
    {
        var end = 0;
        foreach (var share in Shares)
        {
            if (share.Version != Production && bucket < (end += share.Percent * (Buckets / 100)))
            {
                return share.Version;
            }
        }
        return Production;
    }
}

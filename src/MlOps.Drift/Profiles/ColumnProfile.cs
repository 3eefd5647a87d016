namespace MlOps.Drift.Profiles;

/// <summary>What drift tests need to know of a column: how often which value occurs.</summary>
public abstract record ColumnProfile
{
    /// <summary>Values, the missing ones not counted.</summary>
    public abstract long Count { get; }

    /// <summary>Missing cells: nulls, and for numbers also NaN and infinities.</summary>
    public required long Missing { get; init; }
}

/// <summary>The values of a numeric column, ascending.</summary>
public sealed record NumericProfile : ColumnProfile
{
    /// <summary>Each distinct value, or, where there were too many to keep, the mean of each of many narrow buckets.</summary>
    public required double[] Values { get; init; }

    /// <summary>How often each occurs.</summary>
    public required long[] Counts { get; init; }

    /// <summary>Each bucket's smallest and largest value; null when every distinct value was kept.</summary>
    public (double[] Low, double[] High)? Buckets { get; init; }

    public required double Mean { get; init; }

    /// <summary>Sum of squared deviations from the mean.</summary>
    public required double SquaredDeviations { get; init; }

    public override long Count => Total;

    public required long Total { get; init; }

    public bool IsExact => Buckets is null;

    public double Min => Buckets is { } buckets ? buckets.Low.Min() : Values[0];

    public double Max => Buckets is { } buckets ? buckets.High.Max() : Values[^1];

    /// <summary>Distinct values; where they were too many to keep, every value counts as different.</summary>
    public long Distinct => IsExact ? Values.Length : Count;
}

/// <summary>The values of a categorical column.</summary>
public sealed record CategoryProfile : ColumnProfile
{
    /// <summary>Each category's count; where they were too many to keep, only of some of those that occur.</summary>
    public required IReadOnlyDictionary<string, long> Counts { get; init; }

    /// <summary>Counts by hash of the category, when there were too many categories to keep each.</summary>
    public long[]? Hashed { get; init; }

    public override long Count => Total;

    public required long Total { get; init; }

    public bool IsExact => Hashed is null;
}

namespace MlOps.Pipeline.Data;

/// <summary>How the numbers of a column are written: its decimal mark and what stands between groups of three digits.</summary>
public enum NumberFormat
{
    /// <summary><c>1234.5</c></summary>
    Point,
    /// <summary><c>1234,5</c></summary>
    Comma,
    /// <summary><c>1,234.5</c></summary>
    CommaGroups,
    /// <summary><c>1.234,5</c></summary>
    PointGroups,
    /// <summary><c>1 234,5</c>; the space may be a no-break one.</summary>
    SpaceGroups,
    /// <summary><c>1 234.5</c>; the space may be a no-break one.</summary>
    SpaceGroupsPoint,
    /// <summary><c>1'234.5</c></summary>
    ApostropheGroups,
}

/// <summary>Order of day, month and year in a date whose month is a number and whose year does not come first.</summary>
public enum DateOrder
{
    /// <summary>Year first: <c>2026-01-31</c>, or the month's name. No other order is needed.</summary>
    Ymd,
    /// <summary>Day first: <c>31/01/2026</c>.</summary>
    Dmy,
    /// <summary>Month first: <c>01/31/2026</c>.</summary>
    Mdy,
}

/// <summary>
/// What the cells of a column mean, decided once over the whole file: kept with the dataset and with every model trained on it, so that a second
/// file, live rows and callers are read in the same way.
/// </summary>
public sealed record CellFormat
{
    /// <summary>Texts that mean "no value", beside a blank cell; null: the usual ones of the column's kind.</summary>
    public IReadOnlyList<string>? Nulls { get; init; }

    public NumberFormat Numbers { get; init; }

    public DateOrder Dates { get; init; }

    public bool Equals(CellFormat? other) => other is not null && Numbers == other.Numbers && Dates == other.Dates
        && (Nulls, other.Nulls) switch
        {
            (null, null) => true,
            ({ } mine, { } theirs) => mine.SequenceEqual(theirs),
            _ => false,
        };

    public override int GetHashCode() => HashCode.Combine(Numbers, Dates, Nulls?.Count);
}

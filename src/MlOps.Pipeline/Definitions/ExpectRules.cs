namespace MlOps.Pipeline.Definitions;

/// <summary>What follows where the table of a run is not as expected.</summary>
public enum Consequence
{
    /// <summary>The run tells it.</summary>
    Warn,
    /// <summary>The run tells it, and its version is not promoted.</summary>
    Block,
}

/// <summary>
/// What is expected of the raw table of a run, before anything is made of it. Rows and columns are compared with the table that the version in production,
/// or else the newest one, was made from; the rest holds by itself.
/// </summary>
public sealed record ExpectRules
{
    /// <summary>How many rows there are; null: any number.</summary>
    public RowCountRule? Rows { get; init; }
    /// <summary>What follows where columns are gone, new or of another type; null: that is not looked at.</summary>
    public Consequence? SameColumns { get; init; }
    /// <summary>How old the newest value of a column of times may be, by column.</summary>
    public IReadOnlyDictionary<string, FreshnessRule> Fresh { get; init; } = new Dictionary<string, FreshnessRule>();
    /// <summary>Columns whose values together stand in one row only.</summary>
    public IReadOnlyList<UniqueRule> Unique { get; init; } = [];
    /// <summary>Between what the numbers of a column lie, by column.</summary>
    public IReadOnlyDictionary<string, RangeRule> Ranges { get; init; } = new Dictionary<string, RangeRule>();

    /// <summary>Whether any table will do.</summary>
    public bool IsEmpty => Rows is null && SameColumns is null && Fresh.Count == 0 && Unique.Count == 0 && Ranges.Count == 0;
}

/// <param name="Min">Fewest rows, as a multiple of those of the earlier table; null: any number.</param>
/// <param name="Max">Most rows, as a multiple of those of the earlier table; null: any number.</param>
/// <param name="Gate">What follows; null: a warning.</param>
public sealed record RowCountRule(double? Min = null, double? Max = null, Consequence? Gate = null);

/// <param name="Within">How long before the start of the run the newest value may lie.</param>
/// <param name="Gate">What follows; null: a warning.</param>
public sealed record FreshnessRule(TimeSpan Within, Consequence? Gate = null);

/// <param name="Columns">One column, or several together. Rows in which one has no value are not looked at.</param>
/// <param name="Gate">What follows; null: a warning.</param>
public sealed record UniqueRule(IReadOnlyList<string> Columns, Consequence? Gate = null);

/// <param name="Min">The least number; null: any.</param>
/// <param name="Max">The largest number; null: any.</param>
/// <param name="Gate">What follows; null: a warning.</param>
public sealed record RangeRule(double? Min = null, double? Max = null, Consequence? Gate = null);

using System.Globalization;

namespace MlOps.Drift;

/// <summary>One table against another.</summary>
/// <param name="Name"><c>validation</c>, <c>production</c> or <c>live</c>.</param>
/// <param name="Reference">What is compared with.</param>
/// <param name="Current">What is compared.</param>
/// <param name="Columns">Columns compared.</param>
/// <param name="DriftedColumns">Those that drifted.</param>
/// <param name="Share">Drifted columns by columns compared, 0 to 1.</param>
/// <param name="Drifted">True when the share reaches the limit.</param>
/// <param name="Scores">One a column, strongest drift first.</param>
/// <param name="OnlyInReference">Columns that the current table lacks.</param>
/// <param name="OnlyInCurrent">Columns that the reference lacks.</param>
public sealed record DriftComparison(
    string Name, DriftSide Reference, DriftSide Current, int Columns, int DriftedColumns, double Share, bool Drifted, IReadOnlyList<ColumnDrift> Scores,
    IReadOnlyList<string> OnlyInReference, IReadOnlyList<string> OnlyInCurrent)
{
    /// <summary>What <see cref="Describe"/> begins with.</summary>
    public const string Prefix = "drift: ";

    /// <summary>What drifted, in one sentence.</summary>
    /// <param name="limit">The share of drifted columns from which a table has drifted.</param>
    public string Describe(double limit)
    {
        const int MostNamed = 5;
        var named = Scores.Where(score => score.Drifted).Take(MostNamed).Select(score => score.Score is { } value
            ? string.Create(CultureInfo.InvariantCulture, $"{score.Column} ({score.Test} {value:G3})")
            : score.Column);
        var more = DriftedColumns > MostNamed ? $" and {DriftedColumns - MostNamed} more" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Prefix}{DriftedColumns} of {Columns} columns of the {Current.Label} {(DriftedColumns == 1 ? "differs" : "differ")} from the {Reference.Label} "
                + $"(share {Share:0.00}, limit {limit:0.00}): {string.Join(", ", named)}{more}");
    }
}

/// <summary>One side of a comparison.</summary>
/// <param name="Label">What it is, for people.</param>
/// <param name="Dataset">The dataset version; of live rows, <c>predictions/{model}</c>.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Version">The model version it trained, where that is the production version.</param>
public sealed record DriftSide(string Label, string Dataset, long Rows, int? Version = null);

/// <summary>How a column drifted.</summary>
public sealed record ColumnDrift
{
    public required string Column { get; init; }
    /// <summary><c>numeric</c> or <c>categorical</c>.</summary>
    public required string Kind { get; init; }
    public required bool Drifted { get; init; }
    /// <summary>The test's name in definitions; null when the column could not be tested.</summary>
    public string? Test { get; init; }
    /// <summary>The test's name for people.</summary>
    public string? Title { get; init; }
    public double? Score { get; init; }
    public double? Threshold { get; init; }
    /// <summary>The rule in words, such as <c>p ≤ 0.05</c>.</summary>
    public string? Rule { get; init; }
    /// <summary>Score by threshold (inverted for p-values): 1 and above is drift, columns of different tests sort by it.</summary>
    public double Strength { get; init; }
    /// <summary>Why it could not be tested, or what to know of the score.</summary>
    public string? Note { get; init; }
    public required ColumnSide Reference { get; init; }
    public required ColumnSide Current { get; init; }
    /// <summary>Categories that only the current side has; null where they were too many to keep, or for numbers.</summary>
    public int? NewCategories { get; init; }
    /// <summary>Some of them.</summary>
    public IReadOnlyList<string>? NewExamples { get; init; }
    /// <summary>Categories that only the reference has.</summary>
    public int? LostCategories { get; init; }
    public DriftDistribution? Distribution { get; init; }
}

/// <summary>Counts and moments of one side of a column; the moments for numbers only.</summary>
public sealed record ColumnSide(long Values, long Missing, double? Mean = null, double? Deviation = null, double? Min = null, double? Max = null);

/// <summary>Both sides' shares over the same bins.</summary>
/// <param name="Labels">A category each, or for numbers the bins' edges, one more than bins.</param>
/// <param name="Reference">Shares of the reference side.</param>
/// <param name="Current">Shares of the current side.</param>
public sealed record DriftDistribution(IReadOnlyList<string> Labels, IReadOnlyList<double> Reference, IReadOnlyList<double> Current);

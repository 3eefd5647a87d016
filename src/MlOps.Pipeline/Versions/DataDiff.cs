using MlOps.Drift;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Versions;

/// <summary>What is different between two dataset versions.</summary>
/// <param name="From">The version that is compared with.</param>
/// <param name="To">The version that is compared.</param>
/// <param name="Columns">Columns that only one has, or that changed their type.</param>
/// <param name="Rows">Rows that only one has, or whose cells changed.</param>
/// <param name="Statistics">How the values of each column moved, the strongest first; null: not asked for.</param>
public sealed record DataDiff(DataEntry From, DataEntry To, ColumnDiff Columns, RowDiff Rows, IReadOnlyList<ColumnDrift>? Statistics);

/// <param name="Added">Columns that only the second version has.</param>
/// <param name="Removed">Columns that only the first has.</param>
/// <param name="Changed">Columns that are stored as another type. Rows are not compared by these.</param>
public sealed record ColumnDiff(IReadOnlyList<DatasetColumn> Added, IReadOnlyList<DatasetColumn> Removed, IReadOnlyList<ChangedColumn> Changed);

/// <param name="Name">The column.</param>
/// <param name="From">Its type in the first version.</param>
/// <param name="To">Its type in the second.</param>
public sealed record ChangedColumn(string Name, StorageType From, StorageType To);

/// <summary>How many rows are different, of those columns that both versions have as the same type. Equal rows are counted as often as they stand.</summary>
/// <param name="Key">
/// The columns that say which row is which; empty: rows are told apart by all their cells, so that a changed row is one removed, one added.
/// </param>
/// <param name="Added">Rows that only the second version has.</param>
/// <param name="Removed">Rows that only the first has.</param>
/// <param name="Changed">Rows of the same key with other cells.</param>
/// <param name="Same">Rows that are the same.</param>
public sealed record RowDiff(IReadOnlyList<string> Key, long Added, long Removed, long Changed, long Same)
{
    /// <summary>In how many of the changed rows each column changed.</summary>
    public IReadOnlyDictionary<string, long> ChangedCells { get; init; } = new Dictionary<string, long>();

    /// <summary>Why it was not compared by the columns that are declared as ids.</summary>
    public string? Note { get; init; }

    /// <summary>Some of the added rows.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, object?>> AddedRows { get; init; } = [];

    /// <summary>Some of the removed rows.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, object?>> RemovedRows { get; init; } = [];

    /// <summary>Some of the changed rows: the key, and of each other column that changed what it was and what it is.</summary>
    public IReadOnlyList<ChangedRow> ChangedRows { get; init; } = [];
}

/// <param name="Key">Which row.</param>
/// <param name="Cells">The cells that changed.</param>
public sealed record ChangedRow(IReadOnlyDictionary<string, object?> Key, IReadOnlyDictionary<string, ChangedCell> Cells);

/// <param name="From">What it was.</param>
/// <param name="To">What it is.</param>
public sealed record ChangedCell(object? From, object? To);

/// <summary>What a comparison is asked for.</summary>
/// <param name="Key">Columns that say which row is which; null: those declared as ids, where they do.</param>
/// <param name="Examples">At most so many rows of each kind are shown.</param>
/// <param name="Statistics">Whether the values of each column are compared.</param>
public sealed record DataDiffRequest(IReadOnlyList<string>? Key = null, int Examples = 10, bool Statistics = true);

using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using MlOps.Pipeline.Contracts;

namespace MlOps.Pipeline.Data;

/// <summary>How a column's cells are stored in Parquet.</summary>
public enum StorageType
{
    Double,
    Boolean,
    Timestamp,
    Varchar,
}

/// <summary>A column of a dataset version.</summary>
/// <param name="Name">Unique within the table, letter case aside.</param>
/// <param name="Type">How its cells are stored.</param>
/// <param name="Kind">What it means.</param>
/// <param name="Cells">What its cells meant in the file that it was read from; null: plain numbers, dates with the year first, the usual nulls.</param>
public sealed record DatasetColumn(string Name, StorageType Type, ColumnKind Kind, CellFormat? Cells = null);

/// <summary>One Parquet file of a dataset version.</summary>
/// <param name="Name">File name: the hash of its content.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Bytes">Its size.</param>
public sealed record DatasetPart(string Name, long Rows, long Bytes)
{
    /// <summary>What a part whose content has this hash is called.</summary>
    internal static string NameOf(byte[] sha256) => Convert.ToHexStringLower(sha256)[..32] + ".parquet";
}

/// <summary>
/// An immutable table: its parts, and what it was made from. The id is a hash of parents, stage and parameters (for a raw table: of the
/// file's bytes), so that the same work is found instead of done again.
/// </summary>
public sealed record DatasetManifest : IStored
{
    public static int CurrentFormat => 1;

    public static string StoredAs => "dataset version";

    public int Format { get; init; } = CurrentFormat;

    public required string Id { get; init; }
    public required string Stage { get; init; }
    /// <summary>Dataset versions it was made from; for a raw table, the SHA-256 of the file's bytes.</summary>
    public required IReadOnlyList<string> Parents { get; init; }
    public required JsonObject Parameters { get; init; }
    public required IReadOnlyList<DatasetColumn> Columns { get; init; }
    /// <summary>Its own parts; empty when it is a view of its parent.</summary>
    public IReadOnlyList<DatasetPart> Parts { get; init; } = [];
    /// <summary>Set when this version computes its columns from its (only) parent's: nothing is copied.</summary>
    public IReadOnlyList<ColumnExpression>? Projection { get; init; }
    /// <summary>Set when this version is a selection of the rows of its (only) parent: nothing is copied.</summary>
    public RowSelection? Selection { get; init; }
    public required long Rows { get; init; }
    /// <summary>What the stage counted or fitted on the way, such as dropped rows by reason.</summary>
    public JsonObject Notes { get; init; } = [];
    public DateTimeOffset Created { get; init; }

    /// <summary>The version of which it is a view; null when it has its own parts.</summary>
    [JsonIgnore]
    public string? ViewOf => Selection is not null || Projection is not null ? Parents[0] : null;

    /// <summary>Bytes of its own parts.</summary>
    [JsonIgnore]
    public long Bytes => Parts.Sum(part => part.Bytes);

    public DatasetRef Ref => new(Id, Rows);
}

/// <summary>A column of a view.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Sql">How it is computed from the parent's columns.</param>
public sealed record ColumnExpression(string Name, string Sql);

using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>A raw file as typed columns, ready to be written as parts.</summary>
/// <param name="Columns">The columns in the file's order.</param>
/// <param name="SelectSql">A query for the columns, and <see cref="ColumnNames.Unparseable"/> where cells may not fit their type.</param>
/// <param name="MarksUnparseable">True when the query has that column.</param>
/// <param name="Rows">How many rows it has.</param>
/// <param name="Warnings">What the user should know.</param>
internal sealed record RawTable(
    IReadOnlyList<DatasetColumn> Columns, string SelectSql, bool MarksUnparseable, long Rows, IReadOnlyList<Warning> Warnings)
{
    /// <summary>Those of the warnings that the file does not show how a column is written.</summary>
    public IReadOnlyList<Warning> Doubts { get; init; } = [];

    /// <summary>Columns whose cells show how they are written.</summary>
    public IReadOnlyList<string> Shown { get; init; } = [];

    /// <summary>Of columns that are not written the plain way, a cell that shows it.</summary>
    public IReadOnlyList<ColumnExample> Examples { get; init; } = [];
}

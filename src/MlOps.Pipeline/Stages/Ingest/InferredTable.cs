using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>What is to be seen of a table that nobody has described yet.</summary>
/// <param name="Definition">What a user would write for it.</param>
/// <param name="Columns">Its columns, in the file's order.</param>
/// <param name="Rows">How many rows it has.</param>
/// <param name="Sample">The first rows, a cell for each column; null: no value.</param>
/// <param name="Warnings">What the user should know of the file.</param>
public sealed record InferredTable(
    PipelineDefinition Definition, IReadOnlyList<InferredColumn> Columns, long Rows, IReadOnlyList<IReadOnlyList<string?>> Sample,
    IReadOnlyList<Warning> Warnings);

/// <param name="Name">The column.</param>
/// <param name="Kind">What it seems to mean.</param>
/// <param name="Values">Cells that have a value.</param>
public sealed record InferredColumn(string Name, ColumnKind Kind, long Values);

using System.Globalization;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>Cells that are no values of their column's type, told to the user.</summary>
internal static class UnreadableCells
{
    private const string CannotBeRead = "cells cannot be read as";

    /// <summary>Whether a warning is what is told of a column here. In the records of earlier versions it has no code, and is known by its words.</summary>
    public static bool IsOf(Warning warning, string column) => warning.Column == column && (warning.Code == WarningCodes.UnreadableCells
        || (warning.Code is null && warning.Text.Contains(CannotBeRead, StringComparison.Ordinal)));

    /// <param name="column">The column, and how its cells are read.</param>
    /// <param name="count">How many there are.</param>
    /// <param name="rows">Rows of the table.</param>
    /// <param name="example">The first of them; where there are no lines, any.</param>
    public static Warning Told(DatasetColumn column, long count, long rows, SurveyedCell example) => new(
        WarningCodes.UnreadableCells,
        $"Column '{column.Name}': {Number(count)} of {Number(rows)} {CannotBeRead} {Wanted(column)} "
            + $"({(example.Line > 0 ? "the first is" : "such as")} {example}); {(count == 1 ? "its row is" : "their rows are")} left out of training where "
            + "the column is used. Correct the file, or declare \"nulls\", \"format\" or another kind.")
    {
        Column = column.Name,
        Count = count,
        Line = example.Line > 0 ? example.Line : null,
        Example = example.Text,
        Headline = true,
    };

    private static string Wanted(DatasetColumn column) => column.Type switch
    {
        StorageType.Double => $"a number ({DefinitionNames.Patterns.NameOf((CellPattern)(column.Cells?.Numbers ?? NumberFormat.Point))})",
        StorageType.Timestamp => column.Cells?.Dates switch
        {
            DateOrder.Dmy => "a date (day first, or 2026-01-31)",
            DateOrder.Mdy => "a date (month first, or 2026-01-31)",
            _ => "a date (2026-01-31)",
        },
        _ => "true or false",
    };

    private static string Number(long count) => count.ToString("N0", CultureInfo.InvariantCulture);
}

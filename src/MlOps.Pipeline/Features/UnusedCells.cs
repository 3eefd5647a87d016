using System.Text.Json.Nodes;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;

namespace MlOps.Pipeline.Features;

/// <summary>What stands in a column of a raw table that the model does not use.</summary>
/// <param name="Column">The column.</param>
/// <param name="Rows">Rows that have a value in it.</param>
/// <param name="Line">Line of the file on which the first of them starts; null: there is none, or it is not known.</param>
/// <param name="Example">Its value, shortened; null: there is none.</param>
internal sealed record UnusedCells(string Column, long Rows, long? Line, string? Example)
{
    /// <summary>Columns that are looked at in one statement.</summary>
    private const int MostAtOnce = 500;

    /// <summary>Of each unused column of a table that is told.</summary>
    /// <param name="session">The session.</param>
    /// <param name="fromSql">The rows with their <c>file_row_number</c>.</param>
    /// <param name="plan">What is used, and what is told not to be.</param>
    /// <param name="lineOf">The line of a row, by its number; null where that is not known.</param>
    public static IReadOnlyList<UnusedCells> Read(DuckDbSession session, string fromSql, FeaturePlan plan, Func<long, long?> lineOf) =>
    [
        .. plan.Warnings.Where(IsOfCells).Select(warning => warning.Column!).Distinct(StringComparer.Ordinal).Chunk(MostAtOnce).SelectMany(columns =>
        {
            var read = columns.Select(Sql.Name).Select(name => $"count({name}), min(file_row_number) FILTER ({name} IS NOT NULL), "
                + $"min_by(left({name}::VARCHAR, {DroppedRows.LongestCell}), file_row_number) FILTER ({name} IS NOT NULL)");
            var found = session.Rows($"SELECT {string.Join(", ", read)} FROM {fromSql}")[0];
            return columns.Select((column, i) => new UnusedCells(
                column, (long)found[3 * i]!, found[(3 * i) + 1] is long row ? lineOf(row) : null,
                found[(3 * i) + 2] is string cell ? Warning.Shorten(cell) : null));
        }),
    ];

    /// <summary>Those of all parts, by column: the first value is that of the first part that has one.</summary>
    public static JsonNode? Join(IEnumerable<IReadOnlyList<UnusedCells>?> parts) => JsonNode.Parse(Json.Write(
        parts.SelectMany(part => part ?? []).GroupBy(cells => cells.Column, StringComparer.Ordinal).Select(
            column => (column.FirstOrDefault(cells => cells.Example is not null) ?? column.First()) with { Rows = column.Sum(cells => cells.Rows) })));

    /// <summary>What is not used of a table, with the rows that have a value in it; of a skipped feature all rows go without it.</summary>
    /// <param name="warnings">The plan's.</param>
    /// <param name="clean">The cleaned table.</param>
    public static IEnumerable<Warning> Told(IReadOnlyList<Warning> warnings, DatasetManifest clean)
    {
        var columns = Json.Read<IReadOnlyList<UnusedCells>>(clean.Notes[DatasetNotes.Unused]?.ToJsonString() ?? "[]")
            .ToDictionary(cells => cells.Column, StringComparer.Ordinal);
        var left = clean.Notes[DatasetNotes.Dropped]?.AsObject().Sum(reason => reason.Value!.GetValue<long>()) ?? 0;
        return warnings.Select(warning => warning switch
        {
            { Code: WarningCodes.FeatureSkipped } => warning with { Count = clean.Rows + left },
            _ when IsOfCells(warning) && columns.GetValueOrDefault(warning.Column!) is { } cells =>
                warning with { Count = cells.Rows, Line = cells.Line, Example = cells.Example },
            _ => warning,
        });
    }

    private static bool IsOfCells(Warning warning) => warning is { Code: WarningCodes.NotUsed, Column: not null };
}

using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Tracking;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>
/// Corrects a model's definition where a file shows what it only assumes of how a column is written: the next file that does not show it is then read as
/// this one. What is declared, and not assumed, is a person's word and stays.
/// </summary>
public sealed class GuessCorrection(DefinitionStore definitions, AuditTrail trail)
{
    /// <summary>Columns that are assumed to be written in a way that a file contradicts, with the way that it shows.</summary>
    /// <param name="definition">What the file was read by.</param>
    /// <param name="read">Its columns, as they were read.</param>
    /// <param name="shown">Those of which the file shows how they are written.</param>
    internal static IReadOnlyDictionary<string, CellPattern> Of(
        PipelineDefinition definition, IReadOnlyList<DatasetColumn> read, IReadOnlyCollection<string> shown) => read
            .Where(column => shown.Contains(column.Name) && definition.Columns.GetValueOrDefault(column.Name) is { Assumed: true } rule
                && IsOfOneType(rule.Format, column) && Contradicts(rule.Format!.Value, EarlierFormats.PatternOf(column)))
            .ToDictionary(column => column.Name, EarlierFormats.PatternOf, StringComparer.Ordinal);

    /// <summary>Writes what a file showed into the model's current definition, and tells it.</summary>
    /// <param name="context">The run.</param>
    /// <param name="used">The definition that the file was read by.</param>
    /// <param name="shown">The columns of <see cref="Of"/>.</param>
    /// <param name="examples">Cells that show it.</param>
    /// <param name="cancel">Stops it.</param>
    internal async Task CorrectAsync(
        StageContext context, PipelineDefinition used, IReadOnlyDictionary<string, CellPattern> shown,
        IReadOnlyDictionary<string, ColumnExample> examples, CancellationToken cancel)
    {
        if (shown.Count == 0)
        {
            return;
        }
        if (await definitions.FindAsync(context.Model, cancel) is { } before && Corrected(before, used, shown) is not null)
        {
            await trail.RecordAsync(
                $"run {context.RunId}", "define", $"pipelines/{context.Model}",
                async () => await definitions.ChangeAsync(context.Model, current => Corrected(current, used, shown), cancel) is { } changed
                    ? (changed.From, changed.To)
                    : (null, null),
                cancel);
        }
        var now = await definitions.FindAsync(context.Model, cancel);
        foreach (var (column, pattern) in shown)
        {
            // A run that was broken off may have written it before.
            var isWritten = now?.Columns.GetValueOrDefault(column) is { Assumed: false } rule && rule.Format == pattern;
            var example = examples.GetValueOrDefault(column);
            context.Warn(new Warning(
                WarningCodes.GuessCorrected,
                $"Column '{column}': the definition assumed \"format\": \"{NameOf(used.Columns[column].Format!.Value)}\", and the file shows "
                    + $"\"{NameOf(pattern)}\"{example}, as it is read now. "
                    + (isWritten ? "The model's definition says so from now on; " : "The model's definition is another one by now and stays as it is; ")
                    + "look whether earlier files were read rightly.")
            {
                Column = column,
                Line = example?.Line,
                Example = example?.Cell,
                Headline = true,
            });
        }
    }

    /// <summary>Null where nothing of the current definition is that guess any more.</summary>
    private static PipelineDefinition? Corrected(PipelineDefinition current, PipelineDefinition used, IReadOnlyDictionary<string, CellPattern> shown)
    {
        var rules = current.Columns.ToDictionary(StringComparer.Ordinal);
        var changes = 0;
        foreach (var (column, pattern) in shown)
        {
            if (rules.GetValueOrDefault(column) is { Assumed: true } rule && rule.Format == used.Columns[column].Format)
            {
                rules[column] = rule with { Format = pattern, Assumed = false };
                changes++;
            }
        }
        return changes == 0 ? null : current with { Columns = rules };
    }

    private static bool IsOfOneType(CellPattern? assumed, DatasetColumn column) =>
        assumed is { } pattern && column.Type == (pattern >= CellPattern.Ymd ? StorageType.Timestamp : StorageType.Double);

    /// <summary>Dates with the year first say nothing about day and month; of numbers only another decimal mark is another reading.</summary>
    private static bool Contradicts(CellPattern assumed, CellPattern shown) => assumed >= CellPattern.Ymd
        ? shown is CellPattern.Dmy or CellPattern.Mdy && shown != assumed
        : EarlierFormats.IsComma(assumed) != EarlierFormats.IsComma(shown);

    private static string NameOf(CellPattern pattern) => DefinitionNames.Patterns.NameOf(pattern);
}

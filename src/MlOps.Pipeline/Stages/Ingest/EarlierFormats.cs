using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>
/// How the columns of a model's earlier table were read. A later file that does not show how it is written is read as that one was; of one that shows that
/// it is written in another way, this is told.
/// </summary>
internal sealed class EarlierFormats
{
    private readonly PipelineDefinition definition;
    private readonly string table;
    private readonly Dictionary<string, DatasetColumn> columns;
    private readonly HashSet<string> guessed;

    private EarlierFormats(PipelineDefinition definition, int version, DatasetManifest raw)
    {
        this.definition = definition;
        table = $"the table of version {version}";
        columns = raw.Columns.ToDictionary(column => column.Name, StringComparer.Ordinal);
        guessed = DoubtsOf(raw).Select(doubt => doubt.Column!).ToHashSet(StringComparer.Ordinal);
    }

    /// <summary>Null where there is no earlier table.</summary>
    public static EarlierFormats? Of(PipelineDefinition definition, EarlierTable? earlier) =>
        earlier is { Raw: { } raw } ? new EarlierFormats(definition, earlier.Version, raw) : null;

    /// <summary>What the file of a raw version does not show.</summary>
    public static IReadOnlyList<Warning> DoubtsOf(DatasetManifest raw) =>
        Json.Read<IReadOnlyList<Warning>>(raw.Notes[DatasetNotes.Doubts]?.ToJsonString() ?? "[]");

    /// <summary>The definition with the earlier formats of columns that were read otherwise, in doubt; null where there are none.</summary>
    /// <param name="read">The columns as they were read.</param>
    /// <param name="doubts">What the file does not show.</param>
    public PipelineDefinition? Settle(IReadOnlyList<DatasetColumn> read, IReadOnlyList<Warning> doubts)
    {
        var settled = Doubted(read, doubts).Where(column => PatternOf(column.Now) != PatternOf(column.Earlier))
            .ToDictionary(column => column.Now.Name, column => PatternOf(column.Earlier), StringComparer.Ordinal);
        var rules = definition.Columns.ToDictionary(StringComparer.Ordinal);
        foreach (var (name, format) in settled)
        {
            rules[name] = (rules.GetValueOrDefault(name) ?? new ColumnRule()) with { Format = format, Assumed = false };
        }
        return settled.Count == 0 ? null : definition with { Columns = rules };
    }

    /// <summary>What is to be told of a table in view of the earlier one.</summary>
    /// <param name="warnings">What is told of it by itself.</param>
    /// <param name="doubts">What its file does not show.</param>
    /// <param name="read">Its columns, as they are read now.</param>
    /// <param name="examples">Cells that show how they are written.</param>
    public IEnumerable<Warning> Tell(
        IReadOnlyList<Warning> warnings, IReadOnlyList<Warning> doubts, IReadOnlyList<DatasetColumn> read,
        IReadOnlyDictionary<string, ColumnExample> examples)
    {
        var settled = Doubted(read, doubts).ToDictionary(column => column.Now.Name, column => column.Doubt, StringComparer.Ordinal);
        var texts = settled.Values.Select(doubt => doubt.Text).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. warnings.Where(warning => !texts.Contains(warning.Text)),
            .. read.Where(column => settled.ContainsKey(column.Name)).Select(column => Settled(column, settled[column.Name])),
            .. read.Where(column => doubts.All(doubt => doubt.Column != column.Name))
                .Select(column => Differing(column, examples.GetValueOrDefault(column.Name))).OfType<Warning>(),
        ];
    }

    private Warning Settled(DatasetColumn column, Warning doubt) => new(
        WarningCodes.FormatInDoubt,
        $"Column '{column.Name}': nothing in the file shows {(column.Type == StorageType.Timestamp ? "whether the day or the month comes first" : "which is "
            + "the decimal mark")} ({new SurveyedCell(doubt.Example ?? "", doubt.Line ?? 0)}); it is read {Way(column)}, as in {table}"
            + $"{(guessed.Contains(column.Name) ? ", of which nothing showed it either" : "")}. Declare \"format\" to say which.")
    {
        Column = column.Name,
        Count = doubt.Count,
        Line = doubt.Line,
        Example = doubt.Example,
        Headline = doubt.Headline && guessed.Contains(column.Name),
    };

    /// <summary>Two tables of a model that are written in two ways may both be right; where one was read wrongly, nobody would see it.</summary>
    private Warning? Differing(DatasetColumn column, ColumnExample? example) =>
        EarlierOf(column) is { } earlier && Contradict(PatternOf(column), PatternOf(earlier))
            ? new Warning(WarningCodes.FormatDiffers, $"Column '{column.Name}' is read {Way(column)}{example}, and in {table} it was read {Way(earlier)}"
                + $"{(guessed.Contains(column.Name) ? ", although nothing showed it" : "")}. Look whether both are right, and declare \"format\" where one is "
                + "not.")
            {
                Column = column.Name,
                Line = example?.Line,
                Example = example?.Cell,
                Headline = true,
            }
            : null;

    private IEnumerable<(DatasetColumn Now, DatasetColumn Earlier, Warning Doubt)> Doubted(IReadOnlyList<DatasetColumn> read, IReadOnlyList<Warning> doubts)
    {
        foreach (var doubt in doubts)
        {
            // A guess of one's own is worth more than an earlier guess.
            if (read.FirstOrDefault(column => column.Name == doubt.Column) is { } now && EarlierOf(now) is { } earlier && Fits(earlier, now)
                && !(definition.Columns.GetValueOrDefault(now.Name) is { Assumed: true } && guessed.Contains(now.Name)))
            {
                yield return (now, earlier, doubt);
            }
        }
    }

    private DatasetColumn? EarlierOf(DatasetColumn column) =>
        columns.GetValueOrDefault(column.Name) is { } earlier && earlier.Type == column.Type && column.Type is StorageType.Double or StorageType.Timestamp
            ? earlier
            : null;

    /// <summary>
    /// Whether an earlier format reads the cells of a column in doubt: those have one separator, which is the decimal mark or stands between thousands.
    /// </summary>
    private bool Fits(DatasetColumn earlier, DatasetColumn now) => (PatternOf(now), PatternOf(earlier)) switch
    {
        (CellPattern.Dmy or CellPattern.Mdy, var pattern) => pattern is CellPattern.Dmy or CellPattern.Mdy,
        // Numbers that had no decimal mark at all are called plain too, and show nothing.
        (CellPattern.Point or CellPattern.PointGroups, var pattern) => pattern == CellPattern.PointGroups
            || (pattern == CellPattern.Point && guessed.Contains(earlier.Name)),
        (_, var pattern) => pattern is CellPattern.Comma or CellPattern.CommaGroups,
    };

    /// <summary>Plain numbers may have had no decimal mark at all: they contradict nothing.</summary>
    private static bool Contradict(CellPattern now, CellPattern earlier) => (now, earlier) switch
    {
        (CellPattern.Dmy, CellPattern.Mdy) or (CellPattern.Mdy, CellPattern.Dmy) => true,
        (CellPattern.Ymd or CellPattern.Dmy or CellPattern.Mdy, _) or (CellPattern.Point, _) or (_, CellPattern.Point) => false,
        _ => IsComma(now) != IsComma(earlier),
    };

    internal static bool IsComma(CellPattern pattern) => pattern is CellPattern.Comma or CellPattern.PointGroups or CellPattern.SpaceGroups;

    internal static CellPattern PatternOf(DatasetColumn column) => column.Type == StorageType.Timestamp
        ? CellPattern.Ymd + (int)(column.Cells?.Dates ?? DateOrder.Ymd)
        : (CellPattern)(column.Cells?.Numbers ?? NumberFormat.Point);

    private static string Way(DatasetColumn column) => PatternOf(column) switch
    {
        CellPattern.Ymd => "with the year first",
        CellPattern.Dmy => "with the day first",
        CellPattern.Mdy => "with the month first",
        var pattern => $"as {DefinitionNames.Patterns.NameOf(pattern)}",
    };
}

using System.Text;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>
/// Reads a CSV into typed columns. One pass over the whole file finds what each column is; what is odd in a column is looked at once more, to be
/// told with its line. Then DuckDB reads the cells: by itself where it provably reads them alike, else through the one reader of cells. A
/// text that is not written as RFC 4180 has it is first written anew as it is.
/// </summary>
internal sealed class CsvTable : IDisposable
{
    // The engine's own.
    private const long DefaultLineBytes = 2 << 20;

    /// <summary>Small buffers are used again and again, where large ones cost the first touch of fresh memory: a third of the time for a file of 25
    /// MB.</summary>
    private const long SmallBufferBytes = 2 << 20;

    private const long SmallLineBytes = 1 << 18;

    private readonly SourceScan scan;
    private readonly string name;
    private readonly string workFolder;
    private readonly InputLimits limits;
    private readonly CancellationToken cancel;
    private readonly CsvFormat format;
    private readonly IReadOnlyList<TextPart> parts;
    private readonly IReadOnlyList<string> names;
    private readonly List<Warning> warnings = [];
    private readonly IReadOnlyList<ColumnSurvey> surveys;
    private readonly ColumnReading[] readings;
    private readonly bool[] hasUnreadable;
    private bool isOdd;
    private long longestRecord;
    private string? rewritten;

    /// <param name="scan">The file.</param>
    /// <param name="name">Its name in messages.</param>
    /// <param name="definition">What is declared.</param>
    /// <param name="options">Where a text may be written anew, and how many threads may read.</param>
    /// <param name="cancel">Stops all reading of the text.</param>
    /// <exception cref="InputException">The text is no table.</exception>
    public CsvTable(SourceScan scan, string name, PipelineDefinition definition, PipelineOptions options, CancellationToken cancel)
    {
        (this.scan, this.name, workFolder, limits, this.cancel) = (scan, name, options.WorkFolder, options.Limits, cancel);
        warnings.AddRange(scan.Warnings);
        format = CsvSniffer.Sniff(scan, name, definition, limits);
        IReadOnlyList<string> header = format.HasHeader ? format.Header : [.. format.Header.Select(_ => "")];
        if (!format.HasHeader)
        {
            warnings.Add(new Warning(WarningCodes.NoHeader, $"{name} has no header; its columns are called column_1 to column_{header.Count}."));
        }
        names = ColumnNames.Unique(header, format.HasHeader ? warnings : []);
        var rules = names.Select(column => definition.Columns.GetValueOrDefault(column)).ToList();
        hasUnreadable = new bool[names.Count];
        parts = TextParts.Of(scan, format.Dialect, options.Threads);
        surveys = Survey(() => new TableSurvey(
            [.. rules.Select((rule, i) => new ColumnSurvey(Bytes(rule?.Nulls)) { IsUnnamed = format.HasHeader && header[i].Length == 0 })]));
        if (Rows > limits.FileRows)
        {
            throw TooMany.Rows(name, Rows, limits);
        }
        if (Rows == 0)
        {
            var odd = LeftOut is { } ragged
                ? $": {ragged.Rows} {(ragged.Rows == 1 ? "row has" : "rows have")} another number of cells than the header ({names.Count})"
                : "";
            throw new InputException($"{name} has no rows that can be read{odd}.");
        }
        var habits = FileHabits.Of(surveys, format.Dialect.Delimiter == (byte)',');
        readings = [.. names.Select((column, i) => ColumnReading.Decide(column, surveys[i], rules[i], column == definition.Target, habits, warnings))];
        Audit();
    }

    /// <summary>Rows that have as many cells as the header.</summary>
    public long Rows { get; private set; }

    /// <summary>Rows that have not; null: none.</summary>
    public RaggedRows? LeftOut { get; private set; }

    public IReadOnlyList<DatasetColumn> Columns =>
        [.. names.Select((column, i) => new DatasetColumn(column, readings[i].Type, readings[i].Kind, readings[i].Format))];

    public IReadOnlyList<Warning> Warnings => warnings;

    /// <summary>On which line each row starts.</summary>
    public RowLines RowLines { get; private set; } = new();

    /// <summary>Cells of each column that have a value.</summary>
    public IReadOnlyList<long> Values { get; private set; } = [];

    /// <summary>What is told of columns of which the file does not show how they are written.</summary>
    public IReadOnlyList<Warning> Doubts => [.. readings.Select(reading => reading.Doubt).OfType<Warning>()];

    /// <summary>
    /// Texts that stand for a missing value in columns of numbers, dates and booleans, where one of them is none of those that mean it everywhere;
    /// by the column's name.
    /// </summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Placeholders => Enumerable.Range(0, names.Count)
        .Where(i => readings[i].Type != StorageType.Varchar && readings[i].Format?.Nulls is null)
        .Select(i => (Column: names[i], Nulls: Enumerable.Range(0, NullTexts.Count).Where(text => surveys[i].NullsOf(text) > 0).ToList()))
        .Where(column => column.Nulls.Any(NullTexts.IsPlaceholder))
        .ToDictionary(column => column.Column, IReadOnlyList<string> (column) => [.. column.Nulls.Select(NullTexts.Text)], StringComparer.Ordinal);

    /// <summary>The table as a query.</summary>
    /// <param name="anew">True: over the text written anew, although it looks as RFC 4180 has it.</param>
    public RawTable Table(bool anew = false)
    {
        if ((isOdd || anew) && rewritten is null)
        {
            Rewrite();
        }
        var cells = names.Select((column, i) => $"{ValueSql(Sql.Name(column), readings[i])} AS {Sql.Name(column)}");
        var bad = names.Select((column, i) => hasUnreadable[i]
            ? $"WHEN {CellSql.IsUnreadable(Sql.Name(column), readings[i].Type, readings[i].Format)} THEN {Sql.Text(column)}"
            : null).OfType<string>().ToList();
        var unparseable = bad.Count == 0 ? "" : $", CASE {string.Join(" ", bad)} END AS {ColumnNames.Unparseable}";
        return new RawTable(Columns, $"SELECT {string.Join(", ", cells)}{unparseable} FROM {ReadSql()}", bad.Count > 0, Rows, warnings)
        {
            Doubts = Doubts,
            Shown = [.. names.Where((_, i) => readings[i].IsShown)],
            Examples = [.. names.Select((column, i) => readings[i].Example?.Of(column)).OfType<ColumnExample>()],
        };
    }

    public void Dispose()
    {
        if (rewritten is not null)
        {
            File.Delete(rewritten);
        }
    }

    /// <summary>The rows below the header, or those of a part.</summary>
    private CsvRecords Rest(TextPart? part = null)
    {
        var records = new CsvRecords(
            scan.Open(), format.Dialect, names.Count, scan.HasQuotes || format.Dialect.Quote != (byte)'"',
            scan.LineFeeds > 0 && scan.CarriageReturns > scan.Pairs, part, limits, cancel);
        if (format.HasHeader && part is null or { Start: 0 })
        {
            records.Read();
        }
        return records;
    }

    /// <summary>Does the same with all parts of the text at once.</summary>
    private void InParts(Action<CsvRecords, int> read)
    {
        try
        {
            Parallel.For(0, parts.Count, new ParallelOptions { CancellationToken = cancel }, i =>
            {
                using var records = Rest(parts[i]);
                read(records, i);
            });
        }
        catch (AggregateException faults) when (faults.InnerExceptions.OfType<InputException>().FirstOrDefault() is { } wrong)
        {
            throw new InputException($"{name}: {wrong.Message}", wrong);
        }
    }

    private IReadOnlyList<ColumnSurvey> Survey(Func<TableSurvey> create)
    {
        var found = parts.Select(_ => create()).ToArray();
        InParts((records, part) => found[part].Read(records));
        var all = found[0];
        foreach (var next in found.Skip(1))
        {
            all.Add(next);
        }
        (Rows, RowLines, longestRecord) = (all.Rows, all.RowLines, all.LongestRecord);
        if (longestRecord > limits.RowBytes)
        {
            throw new InputException($"{name}: {TooMany.Bytes(limits).Message}");
        }
        // Another reader may take a carriage return within a cell for the end of a line, and Excel's first line for a row.
        isOdd = all.IsOdd || format.Dialect is { Aligned: true } or { Preamble: > 0 } or { LineEnd: (byte)'\r' }
            || scan.CarriageReturns > scan.Pairs || (scan.Pairs > 0 && scan.Pairs < scan.LineFeeds);
        if (all.FirstRagged is [var first, ..])
        {
            LeftOut = new RaggedRows(all.Ragged, first.Line, [.. all.FirstRagged.Select(row => row.Shown)]);
            warnings.Add(new Warning(
                WarningCodes.RaggedRows,
                $"{name}: {Warning.Share(all.Ragged, Rows + all.Ragged, "rows")} left out because "
                + $"{(all.Ragged == 1 ? "its" : "their")} number of cells is not the header's ({names.Count}); the first is line {first.Line} with "
                + $"{first.Cells} ({first.Text}).")
            {
                Count = all.Ragged,
                Line = first.Line,
                Example = first.Text,
                Headline = true,
            });
        }
        return all.Columns;
    }

    /// <summary>Counts, in columns where not all cells are values of the type, which are missing and which cannot be read.</summary>
    private void Audit()
    {
        var values = surveys.Select(survey => survey.Cells).ToArray();
        var odd = Enumerable.Range(0, names.Count).Where(i => !readings[i].IsClean).ToArray();
        if (odd.Length > 0)
        {
            foreach (var (i, audit) in odd.Zip(Audit(odd)))
            {
                values[i] = audit.Values;
                hasUnreadable[i] = audit.Unreadable.Count > 0;
                Tell(names[i], readings[i], audit);
            }
        }
        Values = values;
    }

    private ColumnAudit[] Audit(int[] odd)
    {
        var found = new (ColumnAudit[] Audits, long Lines)[parts.Count];
        InParts((records, part) =>
        {
            var audits = odd.Select(i => new ColumnAudit(new CellReader(readings[i].Type, readings[i].Format), readings[i].Type)).ToArray();
            while (records.Read())
            {
                for (var i = 0; i < odd.Length && records.State == RecordState.Whole; i++)
                {
                    audits[i].Add(records[odd[i]], records.Line);
                }
            }
            found[part] = (audits, records.Lines);
        });
        var (all, lines) = found[0];
        foreach (var next in found.Skip(1))
        {
            for (var i = 0; i < odd.Length; i++)
            {
                all[i].Add(next.Audits[i], lines);
            }
            lines += next.Lines;
        }
        return all;
    }

    private void Tell(string column, ColumnReading reading, ColumnAudit audit)
    {
        if (audit.Missing.Count > 0)
        {
            warnings.Add(MissingTexts.Told(column, audit.Missing.Count, Rows, new SurveyedCell(audit.Missing.Example, audit.Missing.Line)));
        }
        if (audit.Unreadable.Count > 0)
        {
            var first = new SurveyedCell(audit.Unreadable.Example, audit.Unreadable.Line);
            warnings.Add(UnreadableCells.Told(new DatasetColumn(column, reading.Type, reading.Kind, reading.Format), audit.Unreadable.Count, Rows, first));
        }
    }

    private static byte[][]? Bytes(IReadOnlyList<string>? texts) =>
        texts is null ? null : [.. texts.Where(text => text.Length > 0).Select(Encoding.UTF8.GetBytes)];

    /// <summary>Writes the records that are whole as RFC 4180 has it.</summary>
    private void Rewrite()
    {
        var folder = Path.Combine(workFolder, "incoming");
        Directory.CreateDirectory(folder);
        rewritten = Path.Combine(folder, Guid.NewGuid().ToString("N"));
        using var records = Rest();
        using var output = new FileStream(rewritten, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 20);
        while (records.Read())
        {
            if (records.State == RecordState.Ragged)
            {
                continue;
            }
            for (var i = 0; i < names.Count; i++)
            {
                if (i > 0)
                {
                    output.WriteByte((byte)',');
                }
                Write(output, records[i]);
            }
            output.WriteByte((byte)'\n');
        }
    }

    private static void Write(FileStream output, ReadOnlySpan<byte> cell)
    {
        output.WriteByte((byte)'"');
        int quote;
        while ((quote = cell.IndexOf((byte)'"')) >= 0)
        {
            output.Write(cell[..(quote + 1)]);
            output.WriteByte((byte)'"');
            cell = cell[(quote + 1)..];
        }
        output.Write(cell);
        output.WriteByte((byte)'"');
    }

    private string ReadSql()
    {
        // Left to itself, the engine takes a carriage return within the first cell for the end of a line.
        var (path, header, delimiter, quote, lineEnd) = rewritten is { } anew
            ? (anew, false, ",", "\"", @"new_line = '\n', ")
            : (scan.Path, format.HasHeader, ((char)format.Dialect.Delimiter).ToString(), ((char)format.Dialect.Quote).ToString(), "");
        var types = names.Select((column, i) => $"{Sql.Text(column)}: '{(readings[i].IsDirect ? ReadType(readings[i].Type) : "VARCHAR")}'");
        // A row of quoted cells may go over many lines: there must be room for the longest.
        var longest = longestRecord > SmallLineBytes / 2 ? Math.Max(DefaultLineBytes, longestRecord * 2) : SmallLineBytes;
        return $"read_csv({Sql.File(path)}, columns = {{{string.Join(", ", types)}}}, auto_detect = false, header = {(header ? "true" : "false")}, "
            + $"{lineEnd}delim = {Sql.Text(delimiter)}, quote = {Sql.Text(quote)}, escape = {Sql.Text(quote)}, nullstr = [''], "
            + $"max_line_size = {Sql.Number(longest)}, buffer_size = {Sql.Number(Math.Max(SmallBufferBytes, longest * 2))})";
    }

    private static string ReadType(StorageType type) => type switch
    {
        StorageType.Double => "DOUBLE",
        StorageType.Boolean => "BOOLEAN",
        _ => "VARCHAR",
    };

    private static string ValueSql(string name, ColumnReading reading) => reading.IsDirect ? name : CellSql.Of(name, reading.Type, reading.Format);
}

/// <summary>Rows with another number of cells than the header.</summary>
/// <param name="Rows">How many.</param>
/// <param name="Line">Line of the first one.</param>
/// <param name="First">The cells of the first ones.</param>
internal sealed record RaggedRows(long Rows, long Line, IReadOnlyList<IReadOnlyList<string?>> First);

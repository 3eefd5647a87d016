using DuckDB.NET.Data;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>
/// Reads a CSV into typed columns. First strictly, which is fast and right for clean files; when DuckDB rejects a cell or a row, tolerantly:
/// every cell as text, types checked over the whole file, cells that do not fit marked, rows with the wrong number of cells counted.
/// </summary>
internal sealed class CsvTable
{
    /// <summary>Rejected rows that are kept to be counted: each takes some kilobytes of memory.</summary>
    public const int MostRejects = 100_000;

    // The engine's own, which the tolerant reading has.
    private const long DefaultLineBytes = 2 << 20;
    private const long DefaultBufferBytes = 32 << 20;

    /// <summary>Small buffers are used again and again, where large ones cost the first touch of fresh memory: a third of the time for a file of 25
    /// MB.</summary>
    private const long StrictBufferBytes = 2 << 20;

    private const long StrictLineBytes = 1 << 18;

    private readonly SourceScan scan;
    private readonly CsvFormat format;
    private readonly IReadOnlyList<string> names;
    private readonly IReadOnlyList<ColumnKind?> declared;
    private readonly List<string> warnings = [];
    private SniffedColumn[] sniffed;

    public CsvTable(SourceScan scan, string name, PipelineDefinition definition)
    {
        this.scan = scan;
        format = CsvSniffer.Sniff(scan.Path, name);
        IReadOnlyList<string> header = format.HasHeader ? format.Header : [.. format.Header.Select(_ => "")];
        if (!format.HasHeader)
        {
            warnings.Add($"{name} has no header; its columns are called column_1 to column_{header.Count}.");
        }
        names = ColumnNames.Unique(header, format.HasHeader ? warnings : []);
        declared = [.. names.Select(column => definition.Columns.TryGetValue(column, out var rule) ? rule.Kind : null)];
        sniffed = [.. names.Select((column, i) => ColumnSniffer.Sniff(column, Cells(i), declared[i], commaIsFree: format.Delimiter != ','))];
    }

    public int Columns => names.Count;

    public double EstimatedRows => new FileInfo(scan.Path).Length / format.BytesPerRow;

    /// <summary>The strict reading; null when the sample alone shows that it cannot be used.</summary>
    public RawTable? Strict() =>
        sniffed.Any(column => column.Unknown)
            || sniffed.Select(column => column.DecimalComma).Where((comma, i) => sniffed[i].Type == StorageType.Double).Distinct().Count() > 1
        ? null
        : Table(strict: true);

    /// <summary>The tolerant reading. Leaves the rejected rows in table <c>reject_errors</c> once its query has run.</summary>
    public RawTable Tolerant(DuckDbSession session, string name)
    {
        try
        {
            Retype(session);
        }
        catch (DuckDBException fault)
        {
            throw new InputException($"{name} cannot be read as CSV: {FirstLine(fault.Message)}", fault);
        }
        return Table(strict: false);
    }

    /// <summary>Counts all rows, and the cells with a value of each column.</summary>
    public (long Rows, IReadOnlyList<long> Values) CountValues(DuckDbSession session)
    {
        var row = session.Rows($"SELECT count(*), {string.Join(", ", names.Select(name => $"count({Sql.Name(name)})"))} FROM {ReadSql(strict: false)}")[0];
        var counts = row.Select(value => Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture)).ToList();
        return (counts[0], counts[1..]);
    }

    private IReadOnlyList<string> Cells(int column)
    {
        var cells = new List<string>(format.Sample.Count);
        foreach (var record in format.Sample)
        {
            if (column < record.Length && record.Length == names.Count && !CsvFormat.IsNull(record[column]))
            {
                cells.Add(record[column]);
            }
        }
        return cells;
    }

    private RawTable Table(bool strict)
    {
        var values = names.Select((name, i) => $"{ValueSql(name, sniffed[i], strict)} AS {Sql.Name(name)}");
        var bad = names.Select((name, i) => BadSql(name, sniffed[i], strict)).OfType<string>().ToList();
        var unparseable = bad.Count == 0 ? "" : $", CASE {string.Join(" ", bad)} END AS {ColumnNames.Unparseable}";
        var columns = names.Select((name, i) => new DatasetColumn(name, sniffed[i].Type, sniffed[i].Kind));
        return new RawTable([.. columns], $"SELECT {string.Join(", ", values)}{unparseable} FROM {ReadSql(strict)}", bad.Count > 0, EstimatedRows, warnings);
    }

    /// <summary>Checks the sampled types against every row: a column may turn to text further down.</summary>
    private void Retype(DuckDbSession session)
    {
        var open = Enumerable.Range(0, names.Count).Where(i => declared[i] is null && (sniffed[i].Unknown || sniffed[i].Type is StorageType.Double)).ToList();
        if (open.Count == 0)
        {
            return;
        }
        var counts = open.Select(i =>
        {
            var text = NumberText(names[i], sniffed[i]);
            return $"count({text}), count(TRY_CAST({text} AS DOUBLE)), approx_count_distinct({text})";
        });
        var row = session.Rows($"SELECT {string.Join(", ", counts)} FROM {ReadSql(strict: false)}")[0];
        foreach (var (i, position) in open.Select((i, position) => (i, position)))
        {
            sniffed[i] = Retype(
                names[i], sniffed[i], cells: Long(row[position * 3]), numbers: Long(row[(position * 3) + 1]), distinct: Long(row[(position * 3) + 2]));
        }
        static long Long(object? value) => Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture);
    }

    private SniffedColumn Retype(string name, SniffedColumn column, long cells, long numbers, long distinct)
    {
        if (cells == 0)
        {
            warnings.Add($"Column '{name}' has no values at all; it is kept but not used.");
            return new SniffedColumn(StorageType.Varchar, ColumnKind.Text);
        }
        if (numbers >= cells * ColumnSniffer.NumericShare)
        {
            return column with { Type = StorageType.Double, Kind = column.Unknown ? ColumnKind.Numeric : column.Kind, Unknown = false };
        }
        warnings.Add($"Column '{name}' looked numeric in its first rows, but only {numbers} of its {cells} values are numbers; it is read as text.");
        return new SniffedColumn(StorageType.Varchar, distinct <= 1000 ? ColumnKind.Categorical : ColumnKind.Text);
    }

    private string ReadSql(bool strict)
    {
        var types = names.Select((name, i) => $"{Sql.Text(name)}: '{(strict ? ReadType(sniffed[i]) : "VARCHAR")}'");
        var options = new List<string>
        {
            $"columns = {{{string.Join(", ", types)}}}",
            "auto_detect = false",
            $"header = {(format.HasHeader ? "true" : "false")}",
            $"delim = {Sql.Text(format.Delimiter.ToString())}",
            $"quote = {Sql.Text(format.Quote.ToString())}",
            $"escape = {Sql.Text(format.Quote.ToString())}",
            // Strictly, a null text in a typed column is a cell that does not fit, which sends the file to the tolerant reading.
            $"nullstr = {Sql.Texts(strict ? [""] : CsvFormat.NullTexts)}",
        };
        if (strict && sniffed.Any(column => column is { Type: StorageType.Double, DecimalComma: true }))
        {
            options.Add("decimal_separator = ','");
        }
        if (!strict)
        {
            options.Add($"store_rejects = true, rejects_limit = {MostRejects}");
        }
        // A row of quoted cells may go over many lines. Where it is longer than this, the strict reading fails and the tolerant one has room for it.
        var (lineBytes, bufferBytes) = strict ? (StrictLineBytes, StrictBufferBytes) : (DefaultLineBytes, DefaultBufferBytes);
        options.Add($"max_line_size = {Sql.Number(Math.Max(lineBytes, scan.LongestLine * 2))}, buffer_size = "
            + $"{Sql.Number(Math.Max(bufferBytes, scan.LongestLine * 4))}");
        return $"read_csv({Sql.Text(scan.Path)}, {string.Join(", ", options)})";
    }

    private static string ReadType(SniffedColumn column) => column.Type switch
    {
        StorageType.Double => "DOUBLE",
        StorageType.Boolean => "BOOLEAN",
        _ => "VARCHAR",
    };

    private static string NumberText(string name, SniffedColumn column) => column.DecimalComma ? $"replace({Sql.Name(name)}, ',', '.')" : Sql.Name(name);

    private static string ValueSql(string name, SniffedColumn column, bool strict) => column.Type switch
    {
        StorageType.Varchar when strict => $"CASE WHEN {Sql.NotIn(Sql.Name(name), CsvFormat.NullTexts.Select(Sql.Text))} THEN {Sql.Name(name)} END",
        StorageType.Varchar => Sql.Name(name),
        StorageType.Timestamp when column.DateFormat is { } format && CellText.Strptime(format) is { } pattern =>
            $"TRY_CAST(try_strptime({Sql.Name(name)}, {Sql.Text(pattern)}) AS TIMESTAMP)",
        // An offset counts; a time without one is taken as UTC.
        StorageType.Timestamp => $"make_timestamp(epoch_us(TRY_CAST({Sql.Name(name)} AS TIMESTAMPTZ)))",
        _ when strict => Sql.Name(name),
        _ => $"TRY_CAST({NumberText(name, column)} AS {ReadType(column)})",
    };

    private static string? BadSql(string name, SniffedColumn column, bool strict) =>
        column.Type is StorageType.Varchar || (strict && column.Type is not StorageType.Timestamp)
        ? null
        : $"WHEN {Sql.Name(name)} IS NOT NULL AND {ValueSql(name, column, strict)} IS NULL THEN {Sql.Text(name)}";

    private static string FirstLine(string text) => text.Split('\n')[0];
}

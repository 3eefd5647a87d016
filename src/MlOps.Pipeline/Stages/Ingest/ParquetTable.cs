using System.Globalization;
using System.Text;
using DuckDB.NET.Data;
using DuckDB.NET.Native;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Stages.Ingest;

/// <summary>Reads a Parquet file into the pipeline's column types.</summary>
internal static class ParquetTable
{
    /// <summary>Up to it each whole number is a double of its own.</summary>
    private const double LargestExact = 1L << 53;

    /// <exception cref="InputException">The file is damaged or has no columns that can be used.</exception>
    public static RawTable Read(DuckDbSession session, string path, string name, PipelineDefinition definition, InputLimits limits)
    {
        try
        {
            ParquetFooter.Check(path);
        }
        catch (InvalidDataException damaged)
        {
            throw Damaged(name, damaged);
        }
        return Checked(name, () => Describe(session, path, name, definition, limits), path);
    }

    /// <summary>Reads something of a file: what is wrong with it is told as the file's fault, what is wrong with the machine is not.</summary>
    /// <exception cref="InputException">The file is damaged.</exception>
    /// <param name="name">The file, for messages.</param>
    /// <param name="read">Reads it.</param>
    /// <param name="path">Where it is on this machine; null: it is not asked whether it claims what it does not have.</param>
    public static T Checked<T>(string name, Func<T> read, string? path = null)
    {
        try
        {
            return read();
        }
        catch (Exception fault) when (fault is DuckDBException or DuckDbReadException
            && (!FaultText.IsOfTheMachine(fault) || IsOfItsClaims(fault, path)))
        {
            throw Damaged(name, fault);
        }
    }

    /// <summary>
    /// The file names a length that it does not have, or a place before its start, or is of no form that there is: DuckDB takes that for a fault of reading
    /// too, but names no file then, as it does of whatever it could not read or write. Memory was not enough because of the file only where it contradicts
    /// itself: what fits together may be read by a larger machine.
    /// </summary>
    private static bool IsOfItsClaims(Exception fault, string? path) =>
        fault.Message.Contains("Could not read enough bytes", StringComparison.Ordinal)
            || fault.Message.Contains("Failed to read Parquet file", StringComparison.Ordinal)
            || (!fault.Message.Contains('"', StringComparison.Ordinal) && !FaultText.IsFullDisk(fault) && !FaultText.IsOutOfMemory(fault))
            || (fault.Message.Contains("Could not read from file", StringComparison.Ordinal)
                && fault.Message.EndsWith("Invalid argument", StringComparison.Ordinal))
            || (path is not null && FaultText.IsOutOfMemory(fault) && !ParquetClaims.FitTogether(path));

    public static InputException Damaged(string name, Exception? fault = null)
    {
        var sentence = $"{name} cannot be read as Parquet: it is damaged, cut off or of a kind that is not known. Write it again.";
        return fault is null ? new InputException(sentence) : new InputException(sentence, fault);
    }

    private static RawTable Describe(DuckDbSession session, string path, string name, PipelineDefinition definition, InputLimits limits)
    {
        var source = $"read_parquet({Sql.File(path)})";
        var warnings = new List<Warning>();
        var described = session.Rows($"DESCRIBE SELECT * FROM {source}").Select(row => (Name: (string)row[0]!, Type: (string)row[1]!)).ToList();
        if (described.Count > limits.Columns)
        {
            throw TooMany.Columns(name, described.Count, limits);
        }
        // Before any column is read: what the file says of itself costs nothing.
        var rows = session.Count($"SELECT count(*) FROM {source}");
        if (rows == 0)
        {
            throw new InputException($"{name} has no rows.");
        }
        if (rows > limits.FileRows)
        {
            throw TooMany.Rows(name, rows, limits);
        }
        new ExpansionLimit(name, new FileInfo(path).Length, limits).Check((double)rows * described.Count * sizeof(double));
        var names = ColumnNames.Unique([.. described.Select(column => column.Name)], warnings);
        var columns = new List<DatasetColumn>();
        var values = new List<string>();
        var (unreadable, doubts, shown, examples) = (new List<string>(), new List<Warning>(), new List<string>(), new List<ColumnExample>());
        for (var i = 0; i < described.Count; i++)
        {
            var (original, type) = described[i];
            var kind = definition.Columns.TryGetValue(names[i], out var rule) ? rule.Kind : null;
            if (StorageOf(type, kind) is not { } storage)
            {
                warnings.Add(new Warning(WarningCodes.UnsupportedType, $"Column '{names[i]}' has the type {type}, which is not supported; it is left out.")
                {
                    Column = names[i],
                    Count = rows,
                });
                continue;
            }
            // Who says how a text writes numbers or dates says that it has some, as of a column of a text file.
            var areValues = kind is null ? rule is { Format: not null } or { Decimal: not null } : storage != StorageType.Varchar;
            if (type == "VARCHAR" && areValues)
            {
                // A text is read as the cells of a text file are: nothing else tells how it writes numbers and dates.
                var reading = ReadTexts(session, source, (original, names[i]), rule!, names[i] == definition.Target, warnings);
                var read = new DatasetColumn(names[i], reading.Type, reading.Kind, reading.Format);
                doubts.AddRange(reading.Doubt is { } doubt ? [WithoutLine(doubt)] : []);
                shown.AddRange(reading.IsShown ? [names[i]] : []);
                examples.AddRange(reading.Example is { } example ? [example.Of(names[i])] : []);
                values.Add($"{CellSql.Of(Sql.Name(original), read.Type, read.Cells)} AS {Sql.Name(names[i])}");
                columns.Add(read);
                WarnOfMissing(session, source, original, read, rows, warnings);
                if (WarnOfUnreadable(session, source, original, read, rows, warnings))
                {
                    unreadable.Add($"WHEN {CellSql.IsUnreadable(Sql.Name(original), read.Type, read.Cells)} THEN {Sql.Text(read.Name)}");
                }
                continue;
            }
            var column = kind is { } declared
                ? new DatasetColumn(names[i], storage, declared, FormatOf(rule))
                : Sniff(session, source, original, names[i], type, storage, names[i] == definition.Target, warnings) with { Cells = FormatOf(rule) };
            var value = ValueSql(Sql.Name(original), type, column);
            if (IsNumber(type))
            {
                // A declared number means "no value" here as in a CSV, and in what callers send.
                // A float is the decimal number that it is written for: -99.9 as it is declared.
                var number = Sql.Name(original) + (type == "FLOAT" ? "::VARCHAR::DOUBLE" : "::DOUBLE");
                value = CellSql.UnlessMissing(value, number, column.Type, column.Cells);
                WarnOfMissingNumbers(session, source, number, column, rows, warnings);
            }
            if (column.Kind == ColumnKind.Numeric && !(kind is null && IsInteger(type)))
            {
                WarnOfCounting(session, source, value, column.Name, warnings);
            }
            values.Add($"{value} AS {Sql.Name(names[i])}");
            columns.Add(column);
            if (type == "VARCHAR")
            {
                WarnOfMissing(session, source, original, column, rows, warnings);
            }
        }
        if (columns.Count == 0)
        {
            throw new InputException($"{name} has no column of a supported type (numbers, booleans, dates, texts).");
        }
        if (unreadable.Count > 0)
        {
            values.Add($"CASE {string.Join(" ", unreadable)} END AS {ColumnNames.Unparseable}");
        }
        return new RawTable(
            columns, $"SELECT {string.Join(", ", values)} FROM {source}", MarksUnparseable: unreadable.Count > 0, rows, [.. warnings.Select(WithoutLine)])
        {
            Doubts = doubts,
            Shown = shown,
            Examples = examples,
        };
    }

    private static CellFormat? FormatOf(ColumnRule? rule) => rule?.Nulls is { } nulls ? new CellFormat { Nulls = nulls } : null;

    /// <summary>NaN is what numpy writes for "missing"; a whole number that becomes a text has no fraction, as in a caller's JSON.</summary>
    private static string ValueSql(string original, string type, DatasetColumn column) => (column.Type, type) switch
    {
        (StorageType.Double, "FLOAT" or "DOUBLE") => $"CASE WHEN isnan({original}) THEN NULL ELSE {original}::DOUBLE END",
        (StorageType.Varchar, "VARCHAR") => CellSql.Of(original, column.Type, column.Cells),
        (StorageType.Varchar, "FLOAT" or "DOUBLE") =>
            $"CASE WHEN isnan({original}) THEN NULL WHEN {original} = trunc({original}) AND abs({original}) < 1e15 THEN {original}::BIGINT::VARCHAR "
                + $"ELSE {original}::VARCHAR END",
        // Seconds since midnight, as the same column of a text is read.
        (StorageType.Double, "TIME") => $"epoch_us({original}) / 1e6",
        (StorageType.Timestamp, "TIMESTAMP WITH TIME ZONE") => $"make_timestamp(epoch_us({original}))",
        _ => $"TRY_CAST({original} AS {column.Type})",
    };

    private static bool IsNumber(string type) =>
        type is "FLOAT" or "DOUBLE" || IsInteger(type) || type.StartsWith("DECIMAL", StringComparison.Ordinal);

    private static StorageType? StorageOf(string type, ColumnKind? declared) => type switch
    {
        _ when type.EndsWith(']') || type.StartsWith("STRUCT", StringComparison.Ordinal) || type.StartsWith("MAP", StringComparison.Ordinal)
            || type is "BLOB" or "INTERVAL" or "BIT" => null,
        _ when declared is { } kind => ColumnReading.TypeOf(kind),
        "BOOLEAN" => StorageType.Boolean,
        "FLOAT" or "DOUBLE" or "TIME" => StorageType.Double,
        _ when IsInteger(type) => StorageType.Double,
        _ when type.StartsWith("DECIMAL", StringComparison.Ordinal) => StorageType.Double,
        "DATE" or "DATETIME" => StorageType.Timestamp,
        _ when type.StartsWith("TIMESTAMP", StringComparison.Ordinal) => StorageType.Timestamp,
        _ => StorageType.Varchar,
    };

    private static bool IsInteger(string type) =>
        type is "TINYINT" or "SMALLINT" or "INTEGER" or "BIGINT" or "HUGEINT" or "UTINYINT" or "USMALLINT" or "UINTEGER" or "UBIGINT" or "UHUGEINT";

    private static DatasetColumn Sniff(
        DuckDbSession session, string source, string column, string name, string type, StorageType storage, bool isTarget, List<Warning> warnings)
    {
        var original = Sql.Name(column);
        if (session.Scalar($"SELECT 1 FROM {source} WHERE "
            + $"{(type is "FLOAT" or "DOUBLE" ? $"NOT isnan({original})" : $"{original} IS NOT NULL")} LIMIT 1") is null)
        {
            warnings.Add(new Warning(WarningCodes.NoValues, $"Column '{name}' has no values at all; it is left out.")
            {
                Column = name,
                Count = session.Count($"SELECT count(*) FROM {source}"),
                Headline = isTarget,
            });
            return new DatasetColumn(name, StorageType.Varchar, ColumnKind.Text);
        }
        if (storage is StorageType.Boolean or StorageType.Timestamp)
        {
            return new DatasetColumn(name, storage, storage == StorageType.Boolean ? ColumnKind.Boolean : ColumnKind.Datetime);
        }
        if (storage == StorageType.Double && !IsInteger(type))
        {
            return new DatasetColumn(name, storage, ColumnKind.Numeric);
        }
        var survey = SurveyOf(session, source, column, name, declaredNulls: null);
        if (storage == StorageType.Double)
        {
            var reading = ColumnReading.Decide(name, survey, rule: null, isTarget, new FileHabits(null, null, false), warnings);
            return new DatasetColumn(name, reading.Type, reading.Kind);
        }
        // Who wrote a text into a typed file meant a text.
        var kind = ColumnReading.KindOfText(survey.Sampled, survey.Different, survey.AverageLength, survey.Spaced);
        if (kind != ColumnKind.Categorical)
        {
            warnings.Add(new Warning(
                WarningCodes.NotUsed,
                $"Column '{name}' is not used: nearly every row has a value of its own "
                    + $"({(kind == ColumnKind.Text ? "free text" : "an id")}). Declare its kind to change that.")
            {
                Column = name,
                Count = survey.Cells,
                Example = (survey.Word ?? survey.Number ?? survey.Ambiguous)?.Text,
            });
        }
        return new DatasetColumn(name, storage, kind);
    }

    /// <summary>A column of texts that is declared to be something else.</summary>
    private static ColumnReading ReadTexts(
        DuckDbSession session, string source, (string Original, string Shown) name, ColumnRule rule, bool isTarget, List<Warning> warnings)
    {
        var survey = SurveyOf(session, source, name.Original, name.Shown, rule.Nulls);
        return ColumnReading.Decide(name.Shown, survey, rule, isTarget, new FileHabits(null, null, false), warnings);
    }

    /// <summary>Tells of texts that were taken for missing values, and of those that might have been.</summary>
    private static void WarnOfMissing(DuckDbSession session, string source, string original, DatasetColumn column, long rows, List<Warning> warnings)
    {
        var cell = Sql.Name(original);
        var text = $"trim({cell}, {Sql.Text(CellText.Blanks)})";
        var declared = column.Cells?.Nulls;
        IEnumerable<string> texts = declared ?? [.. NullTexts.Everywhere, .. NullTexts.Placeholders];
        var ofWords = $"list_contains({Sql.Texts(texts.Where(one => one.Length > 0))}, {text})";
        var ofValues = $"{text} <> '' AND {CellSql.Of(cell, column.Type, column.Cells)} IS NULL "
            + $"AND NOT {CellSql.IsUnreadable(cell, column.Type, column.Cells)}";
        var found = session.Rows(
            $"SELECT {text}, count(*) FROM {source} WHERE {(column.Type == StorageType.Varchar ? ofWords : ofValues)} GROUP BY 1 ORDER BY 2 DESC, 1")
            .Select(row => (Text: (string)row[0]!, Cells: (long)row[1]!, Line: 0L)).ToLookup(
                one => declared is not null || column.Type != StorageType.Varchar || NullTexts.Everywhere.Contains(one.Text));
        if (found[true].FirstOrDefault() is { Cells: > 0 } most)
        {
            warnings.Add(MissingTexts.Told(column.Name, found[true].Sum(one => one.Cells), rows, new SurveyedCell(Warning.Shorten(most.Text), Line: 0)));
        }
        if (column.Kind == ColumnKind.Categorical && found[false].Any())
        {
            warnings.Add(MissingTexts.Words(column.Name, [.. found[false]]));
        }
    }

    /// <summary>Tells of numbers that are declared to mean missing values.</summary>
    private static void WarnOfMissingNumbers(
        DuckDbSession session, string source, string numberSql, DatasetColumn column, long rows, List<Warning> warnings)
    {
        var numbers = NullTexts.NumbersOf(column.Type, column.Cells);
        if (numbers.Length == 0)
        {
            return;
        }
        var found = session.Rows(
            $"SELECT count(*), min({numberSql}) FROM {source} WHERE {numberSql} IN ({string.Join(", ", numbers.Select(Sql.Number))})")[0];
        if (found is [long and > 0, double example])
        {
            warnings.Add(MissingTexts.Told(
                column.Name, (long)found[0]!, rows, new SurveyedCell(example.ToString("R", CultureInfo.InvariantCulture), Line: 0)));
        }
    }

    /// <summary>Tells of a column that has each whole number of a range once; whole numbers of which nothing is declared have been surveyed already.</summary>
    private static void WarnOfCounting(DuckDbSession session, string source, string valueSql, string name, List<Warning> warnings)
    {
        var found = session.Rows($"SELECT count(v), min(v), max(v), coalesce(bool_and(isfinite(v) AND v = trunc(v)), false) FROM "
            + $"(SELECT ({valueSql})::DOUBLE AS v FROM {source})")[0];
        if (found is not [long values, double smallest, double largest, true] || !ReadingWarnings.AreEnoughToCount(values)
            || Math.Abs(smallest) > LargestExact || largest - smallest != values - 1
            || session.Count($"SELECT count(DISTINCT {valueSql}) FROM {source}") != values)
        {
            return;
        }
        var first = new SurveyedCell(smallest.ToString("R", CultureInfo.InvariantCulture), Line: 0);
        warnings.Add(ReadingWarnings.CountsRows(name, values, ((long)smallest, (long)largest), first));
    }

    /// <summary>Tells of cells that are no values of their column's type; true where there are any.</summary>
    private static bool WarnOfUnreadable(
        DuckDbSession session, string source, string original, DatasetColumn column, long rows, List<Warning> warnings)
    {
        var cell = Sql.Name(original);
        var found = session.Rows(
            $"SELECT count(*), min({cell}) FROM {source} WHERE {cell} IS NOT NULL AND {CellSql.IsUnreadable(cell, column.Type, column.Cells)}")[0];
        if (found[0] is 0L)
        {
            return false;
        }
        warnings.Add(UnreadableCells.Told(column, (long)found[0]!, rows, new SurveyedCell(SurveyedCell.Shorten((string)found[1]!), Line: 0)));
        return true;
    }

    /// <summary>All cells of a column that have a value, as texts.</summary>
    private static ColumnSurvey SurveyOf(DuckDbSession session, string source, string column, string name, IReadOnlyList<string>? declaredNulls)
    {
        var original = Sql.Name(column);
        var survey = new ColumnSurvey(declaredNulls is null ? null : [.. declaredNulls.Where(text => text.Length > 0).Select(Encoding.UTF8.GetBytes)]);
        var repeated = new RepeatedCells(survey, columns: 1);
        session.Read($"SELECT {original}::VARCHAR FROM {source} WHERE {original} IS NOT NULL", (vectors, rows) =>
        {
            for (var i = 0; i < rows; i++)
            {
                // Who asks for what is not null gets null all the same where the file's statistics say that there is none, and it has some.
                if (vectors[0].IsNull(i))
                {
                    throw new DuckDbReadException($"Column '{name}' has missing values, and by its statistics none.", DuckDBErrorType.InvalidInput);
                }
                repeated.Add(vectors[0].Utf8(i), line: 0);
            }
        });
        repeated.Settle();
        return survey;
    }

    /// <summary>A Parquet file has no lines.</summary>
    private static Warning WithoutLine(Warning warning) => warning.Line == 0 ? warning with { Line = null } : warning;
}

using System.Globalization;
using System.IO.Compression;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.VisualBasic.FileIO;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Cases;

/// <summary>
/// The same known cells, written in every way that programs write tables, are read as the same cells. <c>MLOPS_TEST_INGESTS</c> says how many files
/// are made.
/// </summary>
[Collection(AzuriteFixture.Collection)]
public sealed class DialectTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private static readonly PipelineDefinition Definition = new() { Model = "dialects", Target = "amount" };

    private static readonly string[] Columns = ["amount", "whole", "when", "flag", "word"];

    private readonly StageBench bench = new(azurite);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => bench.DisposeAsync().AsTask();

    [Fact]
    public void A_table_is_read_alike_in_whichever_way_it_is_written()
    {
        var files = TestSize.Ingests;

        // FsCheck's own numbers are small ones: a few hundred tables.
        var seeds = Gen.Choose(0, int.MaxValue - 1).ToArbitrary();
        Prop.ForAll(seeds, seed => ReadsAsWrittenAsync(seed).GetAwaiter().GetResult()).Check(Config.QuickThrowOnFailure.WithMaxTest(files));
    }

    [Fact]
    public async Task Days_and_months_that_nothing_tells_apart_are_told()
    {
        await bench.IngestTextAsync(Definition, "when,amount\n01/02/2024,1\n03/04/2024,2\n");

        bench.Warnings.Should().ContainMatch("Column 'when': nothing in the file shows whether the day or the month comes first (line 2: '01/02/2024')*");
    }

    [Fact]
    public async Task Points_that_may_stand_for_thousands_are_told()
    {
        await bench.IngestTextAsync(Definition, "people;amount\n1.234;1\n5.678;2\n");

        bench.Warnings.Should().ContainMatch("Column 'people': each point in it has three digits behind*(line 2: '1.234')*");
    }

    private async Task<bool> ReadsAsWrittenAsync(int seed)
    {
        var random = new Random(seed);
        var written = WrittenAs.Draw(random);
        var table = KnownTable.Make(random, written);
        var (path, dialect) = random.Next(4) == 0
            ? WriteParquet(table, StoredAs.Draw(random) with { Texts = written.IsDeclared ? written : null })
            : await WriteTextAsync(table, written);
        var told = bench.Told.Count;

        var raw = await bench.IngestAsync(written.Declares(), path);

        // Other tools get the cells from an export.
        var rows = random.Next(5) == 0 ? await ExportedAsync(raw.Raw) : await bench.RowsAsync(raw.Raw, Columns);
        var isText = path.Contains(".csv", StringComparison.Ordinal);
        File.Delete(path);
        rows.Should().HaveSameCount(table.Rows, $"of {dialect}");
        for (var i = 0; i < rows.Count; i++)
        {
            var (amount, whole, when, flag, word) = table.Rows[i];
            rows[i].Should().Equal([(double)amount, whole is { } number ? (double)number : null, when, flag, word], $"row {i} of {dialect}");
        }
        var ragged = isText ? table.Rows.Count(row => row.Ragged is not null) : 0;
        var leftOut = bench.Told.Skip(told).Where(warning => warning.Code == WarningCodes.RaggedRows);
        leftOut.Select(warning => warning.Count).Should().Equal(ragged > 0 ? [ragged] : [], $"of {dialect}");
        return true;
    }

    /// <summary>The cells as <c>data export</c> writes them.</summary>
    private async Task<IReadOnlyList<object?[]>> ExportedAsync(DatasetRef version)
    {
        var path = Path.Combine(bench.Host.WorkFolder, $"{Guid.NewGuid():N}.csv");
        await bench.Host.Get<DatasetExport>().WriteAsync(version.Id, path, default);
        var rows = new List<object?[]>();
        using (var parser = new TextFieldParser(path) { Delimiters = [","], HasFieldsEnclosedInQuotes = true, TrimWhiteSpace = false })
        {
            parser.ReadFields().Should().Equal(Columns);
            while (parser.ReadFields() is { } cells)
            {
                rows.Add(
                [
                    Number(cells[0]), Number(cells[1]), cells[2].Length == 0 ? null : DateTime.ParseExact(cells[2], "yyyy-MM-dd HH:mm:ss", null),
                    cells[3].Length == 0 ? null : bool.Parse(cells[3]), cells[4].Length == 0 ? null : cells[4],
                ]);
            }
        }
        File.Delete(path);
        return rows;

        static object? Number(string cell) => cell.Length == 0 ? null : double.Parse(cell, CultureInfo.InvariantCulture);
    }

    private async Task<(string Path, object Dialect)> WriteTextAsync(KnownTable table, WrittenAs dialect)
    {
        var path = Path.Combine(bench.Host.WorkFolder, $"{Guid.NewGuid():N}{(dialect.Gzip ? ".csv.gz" : ".csv")}");
        await File.WriteAllBytesAsync(path, dialect.Bytes(table));
        return (path, dialect);
    }

    private (string Path, object Dialect) WriteParquet(KnownTable table, StoredAs types)
    {
        var path = Path.Combine(bench.Host.WorkFolder, $"{Guid.NewGuid():N}.parquet");
        using var session = bench.Host.Get<DuckDb>().Open(default);
        session.Execute(types.Sql(table, path));
        return (path, types);
    }

    /// <summary>
    /// Rows whose cells leave no doubt: fractions and thousands, days after the twelfth, words with everything in them. Where the definition declares how they
    /// are written nothing but that tells: each mark in a number has three digits behind, no day is after the twelfth, and a word may be what else is missing.
    /// </summary>
    private sealed record KnownTable(IReadOnlyList<KnownRow> Rows)
    {
        public static readonly string[] Words = ["Köln", "a, b", "c; d", "say \"so\"", "pipe | tab\t", "it's", "two  blanks", "x"];

        private static readonly KnownRow[] Telling =
        [
            new(1234.56m, 7, new DateTime(2026, 1, 31, 10, 30, 0), true, "x"),
            new(-0.25m, 12_345, new DateTime(2025, 12, 24, 23, 59, 0), false, "Köln"),
        ];

        public static KnownTable Make(Random random, WrittenAs written)
        {
            // Double quotes would be the quotes.
            string[] words =
                [.. Words.Where(word => written.Quote == '"' || !word.Contains('"')), .. written.IsDeclared ? ["NA", "null"] : Array.Empty<string>()];
            return new KnownTable([.. written.IsDeclared ? [] : Telling, .. Enumerable.Range(0, random.Next(10, 30)).Select(_ => Row())]);

            KnownRow Row() => new(
                written.IsDeclared ? random.Next(1000, 1_000_000) / (written.Group.Length == 0 ? 1000m : 1)
                    : Math.Round((decimal)((random.NextDouble() - 0.3) * Math.Pow(10, random.Next(1, 7))), 2),
                random.Next(6) == 0 ? null : (int?)random.Next(100_000),
                random.Next(6) == 0 ? null : (DateTime?)new DateTime(
                    random.Next(1971, 2030), random.Next(1, 13), random.Next(1, written.IsDeclared ? 13 : 29), random.Next(24), random.Next(60), 0),
                random.Next(6) == 0 ? null : (bool?)(random.Next(2) == 0),
                random.Next(6) == 0 ? null : words[random.Next(words.Length)])
            {
                Ragged = written.HasRagged && random.Next(6) == 0 ? Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Next(-5, 5)).ToArray() : null,
            };
        }
    }

    private sealed record KnownRow(decimal Amount, int? Whole, DateTime? When, bool? Flag, string? Word)
    {
        /// <summary>
        /// A line of a text behind this row that has its cells but for these, or, where the first is negative, as many cells more; null: there is none.
        /// </summary>
        public int[]? Ragged { get; init; }
    }

    /// <summary>One way of writing a table.</summary>
    private sealed record WrittenAs(
        char Delimiter, string LineEnd, string Encoding, char Decimal, string Group, string Date, string Null, bool QuoteAll)
    {
        public char Quote { get; init; } = '"';

        /// <summary>A blank before each cell.</summary>
        public bool Padded { get; init; }

        public bool Gzip { get; init; }

        /// <summary>Excel's first line, which names the delimiter.</summary>
        public bool NamesDelimiter { get; init; }

        /// <summary>Behind amounts.</summary>
        public string Unit { get; init; } = "";

        /// <summary>What a missing number or date is written as, where that is not what all missing cells are.</summary>
        public string? Placeholder { get; init; }

        /// <summary>Formats and the text of missing cells stand in the definition, and nothing in the file shows them.</summary>
        public bool IsDeclared { get; init; }

        /// <summary>Lines with cells too few or too many among the rows.</summary>
        public bool HasRagged { get; init; }

        /// <summary>What the definition says.</summary>
        public PipelineDefinition Declares() => !IsDeclared ? Definition : Definition with
        {
            Columns = new Dictionary<string, ColumnRule>
            {
                ["amount"] = new()
                {
                    Format = (Decimal, Group) switch
                    {
                        ('.', ",") => CellPattern.CommaGroups,
                        ('.', " ") => CellPattern.SpaceGroupsPoint,
                        ('.', "'") => CellPattern.ApostropheGroups,
                        (',', ".") => CellPattern.PointGroups,
                        (',', " ") => CellPattern.SpaceGroups,
                        ('.', _) => CellPattern.Point,
                        _ => CellPattern.Comma,
                    },
                },
                ["whole"] = new() { Kind = ColumnKind.Numeric, Nulls = Nulls },
                ["when"] = new()
                {
                    Kind = ColumnKind.Datetime,
                    Format = Date.StartsWith("dd", StringComparison.Ordinal) ? CellPattern.Dmy
                        : Date.StartsWith("MM", StringComparison.Ordinal) ? CellPattern.Mdy
                        : CellPattern.Ymd,
                    Nulls = Nulls,
                },
                ["flag"] = new() { Kind = ColumnKind.Boolean, Nulls = Nulls },
                ["word"] = new() { Kind = ColumnKind.Categorical, Nulls = Nulls },
            },
        };

        private string[] Nulls => Null.Length == 0 ? ["keine"] : [Null];

        private static readonly string[] Dates =
        [
            "yyyy-MM-dd HH:mm", "yyyy-MM-ddTHH:mm:ss'Z'", "dd/MM/yyyy HH:mm", "dd.MM.yyyy HH:mm", "MM/dd/yyyy hh:mm tt", "d MMM yyyy HH:mm",
            "yyyy/MM/dd HH:mm:ss",
        ];

        public static WrittenAs Draw(Random random)
        {
            var mark = random.Next(2) == 0 ? '.' : ',';
            string[] groups = mark == '.' ? ["", "", ",", " ", "'"] : ["", "", ".", " "];
            var written = new WrittenAs(
                ",;\t|"[random.Next(4)], Pick("\n", "\r\n", "\r", "mixed"), Pick("utf-8", "utf-8-bom", "utf-16", "utf-16BE", "windows-1252"), mark,
                groups[random.Next(groups.Length)], Dates[random.Next(Dates.Length)], Pick("", "", "N/A", "null", "NULL", "nan"), random.Next(3) == 0)
            {
                Quote = random.Next(4) == 0 ? '\'' : '"',
                Padded = random.Next(4) == 0,
                Gzip = random.Next(4) == 0,
                NamesDelimiter = random.Next(5) == 0,
                Unit = Pick("", "", "%", " %"),
                Placeholder = random.Next(3) == 0 ? Pick("NA", "?", "-", "None", "unknown", "n.a.", @"\N", "#DIV/0!") : null,
                HasRagged = random.Next(4) == 0,
            };
            return random.Next(3) == 0 ? written with { IsDeclared = true, Null = Pick("", "keine", "-999", "n/v"), Placeholder = null } : written;

            string Pick(params string[] among) => among[random.Next(among.Length)];
        }

        public byte[] Bytes(KnownTable table)
        {
            var text = new StringBuilder();
            var line = 0;
            if (NamesDelimiter)
            {
                text.Append(CultureInfo.InvariantCulture, $"sep={Delimiter}").Append(LineEnd == "mixed" ? "\n" : LineEnd);
            }
            Line(Columns);
            foreach (var row in table.Rows)
            {
                var cells = Cells(row);
                Line(cells);
                if (row.Ragged is { } places)
                {
                    Line(places[0] < 0 ? [.. cells, .. places.Select(_ => "more")] : [.. cells.Where((_, i) => !places.Contains(i))]);
                }
            }
            return Packed(Encoded(text.ToString()));

            void Line(params string[] cells)
            {
                text.AppendJoin($"{Delimiter}{(Padded ? " " : "")}", cells.Select(Cell));
                text.Append(LineEnd == "mixed" ? (line++ % 3 == 0 ? "\r\n" : "\n") : LineEnd);
            }
        }

        public string[] Cells(KnownRow row) =>
        [
            Number(row.Amount, !IsDeclared ? "#,0.00" : Group.Length > 0 ? "#,0" : "0.000") + Unit,
            row.Whole?.ToString(CultureInfo.InvariantCulture) ?? Placeholder ?? Null,
            row.When?.ToString(Date, CultureInfo.InvariantCulture) ?? Placeholder ?? Null,
            row.Flag?.ToString() ?? Null,
            row.Word ?? Null,
        ];

        private string Number(decimal value, string pattern) => value.ToString(
            pattern, new NumberFormatInfo { NumberDecimalSeparator = Decimal.ToString(), NumberGroupSeparator = Group, NumberGroupSizes = [3] });

        private string Cell(string text) =>
            QuoteAll || text.Contains(Delimiter, StringComparison.Ordinal) || text.Contains(Quote, StringComparison.Ordinal) || text != text.Trim()
                ? $"{Quote}{text.Replace($"{Quote}", $"{Quote}{Quote}", StringComparison.Ordinal)}{Quote}"
                : text;

        private byte[] Encoded(string text)
        {
            Encoding encoding = Encoding switch
            {
                "utf-8" => new UTF8Encoding(false),
                "utf-8-bom" => new UTF8Encoding(true),
                "utf-16" => new UnicodeEncoding(bigEndian: false, byteOrderMark: true),
                "utf-16BE" => new UnicodeEncoding(bigEndian: true, byteOrderMark: true),
                _ => CodePagesEncodingProvider.Instance.GetEncoding(1252)!,
            };
            return [.. encoding.GetPreamble(), .. encoding.GetBytes(text)];
        }

        private byte[] Packed(byte[] bytes)
        {
            if (!Gzip)
            {
                return bytes;
            }
            using var packed = new MemoryStream();
            using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            {
                gzip.Write(bytes);
            }
            return packed.ToArray();
        }
    }

    /// <summary>One way of storing a table's columns in Parquet, which says types by itself: texts stay texts unless they are declared.</summary>
    private sealed record StoredAs(string Amount, string Whole, string When, string Word, string Compression)
    {
        /// <summary>All columns are texts, written so, which the definition declares to be something else; null: they have types.</summary>
        public WrittenAs? Texts { get; init; }

        public static StoredAs Draw(Random random)
        {
            return new StoredAs(
                Pick("DOUBLE", "DECIMAL(18,2)", "DECIMAL(11,4)"),
                Pick("INTEGER", "BIGINT", "UINTEGER", "UBIGINT", "DOUBLE", "FLOAT", "DECIMAL(9,0)"),
                Pick("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ"),
                Pick("VARCHAR", $"ENUM({string.Join(", ", KnownTable.Words.Select(Pipeline.Data.Duck.Sql.Text))})"),
                Pick("snappy", "zstd", "gzip", "uncompressed"));

            string Pick(params string[] among) => among[random.Next(among.Length)];
        }

        public string Sql(KnownTable table, string path)
        {
            var rows = table.Rows.Select(row => string.Join(", ", (Texts?.Cells(row) ?? Cells(row)).Select(Text)));
            string[] types = Texts is null ? [Amount, Whole, When, "BOOLEAN", Word] : [.. Columns.Select(_ => "VARCHAR")];
            var stored = Columns.Zip(types, (column, type) => $"\"{column}\"::{type} AS \"{column}\"");
            return $"SET TimeZone = 'UTC'; COPY (SELECT {string.Join(", ", stored)} FROM (VALUES ({string.Join("), (", rows)})) AS "
                + $"t({string.Join(", ", Columns.Select(column => $"\"{column}\""))})) TO {Text(path)} (FORMAT parquet, COMPRESSION {Compression})";
        }

        private static string?[] Cells(KnownRow row) =>
        [
            row.Amount.ToString(CultureInfo.InvariantCulture), row.Whole?.ToString(CultureInfo.InvariantCulture),
            row.When?.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture), row.Flag?.ToString(), row.Word,
        ];

        private static string Text(string? value) => value is null ? "NULL" : Pipeline.Data.Duck.Sql.Text(value);
    }
}

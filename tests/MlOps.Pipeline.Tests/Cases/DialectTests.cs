using System.Globalization;
using System.IO.Compression;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
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
        var table = KnownTable.Make(random);
        var (path, dialect) = random.Next(4) == 0 ? WriteParquet(table, StoredAs.Draw(random)) : await WriteTextAsync(table, WrittenAs.Draw(random));

        var raw = await bench.IngestAsync(Definition, path);

        var rows = await bench.RowsAsync(raw.Raw, "amount", "whole", "when", "flag", "word");
        File.Delete(path);
        rows.Should().HaveSameCount(table.Rows, $"of {dialect}");
        for (var i = 0; i < rows.Count; i++)
        {
            var (amount, whole, when, flag, word) = table.Rows[i];
            rows[i].Should().Equal([(double)amount, whole is { } number ? (double)number : null, when, flag, word], $"row {i} of {dialect}");
        }
        return true;
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

    /// <summary>Rows whose cells leave no doubt: fractions and thousands, days after the twelfth, words with everything in them.</summary>
    private sealed record KnownTable(IReadOnlyList<(decimal Amount, int? Whole, DateTime? When, bool? Flag, string? Word)> Rows)
    {
        public static readonly string[] Words = ["Köln", "a, b", "c; d", "say \"so\"", "pipe | tab\t", "it's", "two  blanks", "x"];

        public static KnownTable Make(Random random) => new(
        [
            (1234.56m, 7, new DateTime(2026, 1, 31, 10, 30, 0), true, "x"),
            (-0.25m, 12_345, new DateTime(2025, 12, 24, 23, 59, 0), false, "Köln"),
            .. Enumerable.Range(0, random.Next(10, 30)).Select(_ => (
                Math.Round((decimal)((random.NextDouble() - 0.3) * Math.Pow(10, random.Next(1, 7))), 2),
                random.Next(6) == 0 ? null : (int?)random.Next(100_000),
                random.Next(6) == 0
                    ? null
                    : (DateTime?)new DateTime(random.Next(1971, 2030), random.Next(1, 13), random.Next(1, 29), random.Next(24), random.Next(60), 0),
                random.Next(6) == 0 ? null : (bool?)(random.Next(2) == 0),
                random.Next(6) == 0 ? null : Words[random.Next(Words.Length)])),
        ]);
    }

    /// <summary>One way of writing a table.</summary>
    private sealed record WrittenAs(
        char Delimiter, string LineEnd, string Encoding, char Decimal, string Group, string Date, string Null, bool QuoteAll, bool Padded, bool Gzip)
    {
        private static readonly string[] Dates =
        [
            "yyyy-MM-dd HH:mm", "yyyy-MM-ddTHH:mm:ss'Z'", "dd/MM/yyyy HH:mm", "dd.MM.yyyy HH:mm", "MM/dd/yyyy hh:mm tt", "d MMM yyyy HH:mm",
            "yyyy/MM/dd HH:mm:ss",
        ];

        public static WrittenAs Draw(Random random)
        {
            var mark = random.Next(2) == 0 ? '.' : ',';
            string[] groups = mark == '.' ? ["", "", ",", " ", "'"] : ["", "", ".", " "];
            return new WrittenAs(
                ",;\t|"[random.Next(4)], Pick("\n", "\r\n", "mixed"), Pick("utf-8", "utf-8-bom", "utf-16", "utf-16BE", "windows-1252"), mark,
                groups[random.Next(groups.Length)], Dates[random.Next(Dates.Length)], Pick("", "", "N/A", "null", "NULL", "nan"), random.Next(3) == 0,
                random.Next(4) == 0, random.Next(4) == 0);

            string Pick(params string[] among) => among[random.Next(among.Length)];
        }

        public byte[] Bytes(KnownTable table)
        {
            var text = new StringBuilder();
            var line = 0;
            Line("amount", "whole", "when", "flag", "word");
            foreach (var (amount, whole, when, flag, word) in table.Rows)
            {
                Line(
                    Number(amount, "#,0.00"), whole is { } number ? number.ToString(CultureInfo.InvariantCulture) : Null,
                    when?.ToString(Date, CultureInfo.InvariantCulture) ?? Null, flag?.ToString() ?? Null, word ?? Null);
            }
            return Packed(Encoded(text.ToString()));

            void Line(params string[] cells)
            {
                text.AppendJoin($"{Delimiter}{(Padded ? " " : "")}", cells.Select(Cell));
                text.Append(LineEnd == "mixed" ? (line++ % 3 == 0 ? "\r\n" : "\n") : LineEnd);
            }
        }

        private string Number(decimal value, string pattern) => value.ToString(
            pattern, new NumberFormatInfo { NumberDecimalSeparator = Decimal.ToString(), NumberGroupSeparator = Group, NumberGroupSizes = [3] });

        private string Cell(string text) =>
            QuoteAll || text.Contains(Delimiter, StringComparison.Ordinal) || text.Contains('"', StringComparison.Ordinal) || text != text.Trim()
                ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\""
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

    /// <summary>One way of storing a table's columns in Parquet, which says types by itself: texts stay texts.</summary>
    private sealed record StoredAs(string Amount, string Whole, string When, string Word, string Compression)
    {
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
            var rows = table.Rows.Select(row => string.Join(
                ", ", Text(row.Amount.ToString(CultureInfo.InvariantCulture)), Text(row.Whole?.ToString(CultureInfo.InvariantCulture)),
                Text(row.When?.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)), Text(row.Flag is { } flag ? (flag ? "true" : "false") : null),
                Text(row.Word)));
            return $"SET TimeZone = 'UTC'; COPY (SELECT amount::{Amount} AS amount, whole::{Whole} AS whole, \"when\"::{When} AS \"when\", "
                + $"flag::BOOLEAN AS flag, word::{Word} AS word FROM (VALUES ({string.Join("), (", rows)})) AS t(amount, whole, \"when\", flag, word)) "
                + $"TO {Text(path)} (FORMAT parquet, COMPRESSION {Compression})";
        }

        private static string Text(string? value) => value is null ? "NULL" : Pipeline.Data.Duck.Sql.Text(value);
    }
}

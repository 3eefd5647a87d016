using System.IO.Compression;
using System.Text;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

[Collection(AzuriteFixture.Collection)]
public sealed class IngestTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private static readonly PipelineDefinition Definition = new() { Model = "ingest", Target = "y" };

    private readonly StageBench bench = new(azurite);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => bench.DisposeAsync().AsTask();

    [Theory]
    [InlineData(',')]
    [InlineData(';')]
    [InlineData('\t')]
    [InlineData('|')]
    public async Task Every_delimiter_is_recognised(char delimiter)
    {
        var raw = await bench.IngestTextAsync(
            Definition, "a,b,y\n1,x,2.5\n2,\"p,q;r\ts|t\",3.5\n".Replace(',', delimiter).Replace($"p{delimiter}q", "p,q", StringComparison.Ordinal));

        var rows = await bench.RowsAsync(raw.Raw, "a", "b", "y");
        rows.Should().BeEquivalentTo(new object?[][] { [1.0, "x", 2.5], [2.0, "p,q;r\ts|t", 3.5] }, options => options.WithStrictOrdering());
    }

    [Theory]
    [InlineData("utf-8", true)]
    [InlineData("utf-8", false)]
    [InlineData("utf-16", true)]
    [InlineData("utf-16", false)]
    [InlineData("utf-16BE", true)]
    public async Task Every_encoding_is_recognised(string encoding, bool byteOrderMark)
    {
        Encoding coding = encoding == "utf-8" ? new UTF8Encoding(byteOrderMark) : new UnicodeEncoding(encoding == "utf-16BE", byteOrderMark);
        var path = Path.Combine(bench.Host.WorkFolder, "encoded.csv");
        await File.WriteAllTextAsync(path, "straße,y\nÄpfel 日本,1\nBirnen,2\n", coding);

        var raw = await bench.IngestAsync(Definition, path);

        (await bench.RowsAsync(raw.Raw, "straße", "y")).Should()
            .BeEquivalentTo(new object?[][] { ["Äpfel 日本", 1.0], ["Birnen", 2.0] }, options => options.WithStrictOrdering());
    }

    /// <summary>Excel's first line makes the text one that is written anew.</summary>
    [Theory]
    [InlineData("p\rq", "r")]
    [InlineData("\rp", "r")]
    [InlineData("p\r\nq", "r\ns")]
    [InlineData("p\nq\r", "r\rs\nt")]
    [InlineData("p", "q\rr")]
    public async Task Line_ends_within_cells_stay_in_a_text_that_is_written_anew(string first, string second)
    {
        var raw = await bench.IngestTextAsync(Definition, $"sep=;\nword;y\n\"{first}\";1\n\"{second}\";2\nlast;3\n");

        (await bench.RowsAsync(raw.Raw, "word", "y")).Should()
            .BeEquivalentTo(new object?[][] { [first, 1.0], [second, 2.0], ["last", 3.0] }, options => options.WithStrictOrdering());
    }

    [Fact]
    public async Task A_decimal_comma_is_recognised_where_the_comma_is_no_delimiter()
    {
        var raw = await bench.IngestTextAsync(Definition, "a;y\n1,5;2\n-0,25;3\n");

        (await bench.RowsAsync(raw.Raw, "a")).Should().BeEquivalentTo(new object?[][] { [1.5], [-0.25] }, options => options.WithStrictOrdering());
    }

    [Fact]
    public async Task A_file_without_header_gets_numbered_columns()
    {
        var raw = await bench.IngestTextAsync(Definition, "1,x\n2,y\n");

        (await bench.ManifestAsync(raw.Raw)).Columns.Select(column => column.Name).Should().Equal("column_1", "column_2");
        raw.Raw.Rows.Should().Be(2);
    }

    [Fact]
    public async Task Types_and_kinds_are_found_per_column()
    {
        var csv = new StringBuilder("order_id,when,rating,flag,city,note,amount,zip\n");
        for (var i = 0; i < 200; i++)
        {
            csv.Append(
                System.Globalization.CultureInfo.InvariantCulture,
                $"{1000 + i},2026-01-{1 + (i % 28):D2} 10:30:00,{i % 5},{(i % 2 == 0 ? "true" : "false")},{(i % 3 == 0 ? "Rome" : "Oslo")},a long remark "
                    + $"on order number {i} that nobody reads,{i * 1.25},{i % 90:D5}\n");
        }

        var raw = await bench.IngestTextAsync(Definition, csv.ToString());

        (await bench.ManifestAsync(raw.Raw)).Columns.Should().Equal(
            new DatasetColumn("order_id", StorageType.Double, ColumnKind.IdLike),
            new DatasetColumn("when", StorageType.Timestamp, ColumnKind.Datetime),
            new DatasetColumn("rating", StorageType.Double, ColumnKind.Numeric),
            new DatasetColumn("flag", StorageType.Boolean, ColumnKind.Boolean),
            new DatasetColumn("city", StorageType.Varchar, ColumnKind.Categorical),
            new DatasetColumn("note", StorageType.Varchar, ColumnKind.Text),
            new DatasetColumn("amount", StorageType.Double, ColumnKind.Numeric),
            new DatasetColumn("zip", StorageType.Varchar, ColumnKind.Categorical));
    }

    [Theory]
    [InlineData("2026-03-04", "2026-03-04T00:00:00")]
    [InlineData("2026-03-04T05:06:07", "2026-03-04T05:06:07")]
    [InlineData("2026-03-04 05:06:07.25", "2026-03-04T05:06:07.25")]
    [InlineData("2026-03-04T05:06:07Z", "2026-03-04T05:06:07")]
    [InlineData("2026-03-04T05:06:07+02:00", "2026-03-04T03:06:07")]
    [InlineData("12/31/2026 23:59", "2026-12-31T23:59:00")]
    [InlineData("31.12.2026 23:59", "2026-12-31T23:59:00")]
    [InlineData("31/12/2026", "2026-12-31T00:00:00")]
    public async Task Datetimes_are_read_in_the_usual_formats(string cell, string expected)
    {
        var raw = await bench.IngestTextAsync(Definition, $"t,y\n{cell},1\n{cell},2\n");

        (await bench.RowsAsync(raw.Raw, "t"))[0][0].Should().Be(DateTime.Parse(expected, System.Globalization.CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task A_column_that_turns_from_integers_to_decimals_far_down_is_read_as_numbers()
    {
        var csv = new StringBuilder("a,y\n");
        for (var i = 0; i < 60_000; i++)
        {
            csv.Append(System.Globalization.CultureInfo.InvariantCulture, $"{i % 977},{i % 13}\n");
        }
        csv.Append("0.5,1\n");

        var raw = await bench.IngestTextAsync(Definition, csv.ToString());

        (await bench.ManifestAsync(raw.Raw)).Columns[0].Should().Be(new DatasetColumn("a", StorageType.Double, ColumnKind.Numeric));
        (await bench.RowsAsync(raw.Raw, "a"))[^1][0].Should().Be(0.5);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(600)]
    [InlineData(1500)]
    public async Task A_cell_of_many_lines_is_kept_whole_among_short_ones_wherever_it_stands(int kilobytes)
    {
        var letter = string.Concat(Enumerable.Repeat("a line of some sixty characters in a cell that is quoted, and\n", kilobytes * 1024 / 62));
        var csv = new StringBuilder("note,y\n");
        for (var i = 0; i < 20_000; i++)
        {
            csv.Append(System.Globalization.CultureInfo.InvariantCulture, $"{(i == 15_000 ? $"\"{letter}\"" : $"short {i % 50}")},{i}\n");
        }

        var raw = await bench.IngestTextAsync(Definition, csv.ToString());

        raw.Raw.Rows.Should().Be(20_000);
        var rows = await bench.RowsAsync(raw.Raw, "note", "y");
        rows[15_000].Should().Equal(letter, 15_000d);
        rows.Select(row => (double)row[1]!).Should().Equal(Enumerable.Range(0, 20_000).Select(i => (double)i));
    }

    [Fact]
    public async Task The_same_bytes_from_another_path_give_the_same_version_and_copy_nothing()
    {
        var csv = Trips.Csv(100, seed: 77);
        var first = await bench.IngestTextAsync(Definition, csv);
        var written = (await bench.ManifestAsync(first.Raw)).Created;

        var second = await bench.IngestTextAsync(Definition, csv);

        second.Raw.Should().Be(first.Raw);
        second.Report.Reused.Should().BeTrue();
        (await bench.ManifestAsync(second.Raw)).Created.Should().Be(written);
    }

    [Fact]
    public async Task A_blob_and_a_local_file_of_the_same_bytes_give_the_same_version()
    {
        var csv = Trips.Csv(100, seed: 78);
        await bench.Host.Storage.Raw.GetBlobClient("ingest/trips.csv").UploadAsync(BinaryData.FromString(csv), overwrite: true);

        var local = await bench.IngestTextAsync(Definition, csv);
        var blob = await bench.IngestAsync(Definition, "raw/ingest/trips.csv");

        blob.Raw.Should().Be(local.Raw);
    }

    [Fact]
    public async Task Two_ingests_at_the_same_moment_both_succeed_with_the_same_version()
    {
        var path = bench.Host.WriteFile("both.csv", Trips.Csv(5000, seed: 79));
        await using var other = new StageBench(azurite);

        var both = await Task.WhenAll(bench.IngestAsync(Definition, path), other.IngestAsync(Definition, path), bench.IngestAsync(Definition, path));

        both.Select(output => output.Raw).Distinct().Should().ContainSingle().Which.Rows.Should().Be(5000);
        (await bench.RowsAsync(both[0].Raw, "fare")).Should().HaveCount(5000);
    }

    [Fact]
    public async Task Gzip_is_unpacked()
    {
        var path = Path.Combine(bench.Host.WorkFolder, "trips.csv.gz");
        await using (var packed = new GZipStream(File.Create(path), CompressionLevel.Fastest))
        {
            await packed.WriteAsync(Encoding.UTF8.GetBytes(Trips.Csv(50)));
        }

        (await bench.IngestAsync(Definition, path)).Raw.Rows.Should().Be(50);
    }

    [Fact]
    public async Task Parquet_gives_the_same_rows_as_the_csv_it_was_made_from()
    {
        var csv = bench.Host.WriteFile("trips.csv", Trips.Csv(300));
        var parquet = AsParquet(csv, $"SELECT * FROM read_csv('{csv}')");

        var fromCsv = await bench.IngestAsync(Definition, csv);
        var fromParquet = await bench.IngestAsync(Definition, parquet);

        string[] columns = ["vendor", "passengers", "seconds", "miles", "payment", "fare"];
        (await bench.RowsAsync(fromParquet.Raw, columns)).Should()
            .BeEquivalentTo(await bench.RowsAsync(fromCsv.Raw, columns), options => options.WithStrictOrdering());
    }

    [Fact]
    public async Task A_declared_number_means_missing_among_the_numbers_of_parquet_as_in_a_csv()
    {
        var rows = Enumerable.Range(1, 60).Select(i => $"{(i % 6 == 0 ? "-99.9" : $"{i}.5")},{(i % 5 == 0 ? -999 : i)},{(i % 4 == 0 ? -1 : i % 3)},{i}\n");
        var csv = bench.Host.WriteFile("numbers.csv", "size,age,code,y\n" + string.Concat(rows));
        var parquet = AsParquet(csv, $"SELECT size::FLOAT AS size, age::INTEGER AS age, code::DOUBLE AS code, y::DOUBLE AS y FROM read_csv('{csv}')");
        var definition = Definition with
        {
            Target = "y",
            Columns = new Dictionary<string, ColumnRule>
            {
                ["size"] = new() { Nulls = ["-99.9"] },
                ["age"] = new() { Nulls = ["-999"] },
                ["code"] = new() { Kind = ColumnKind.Categorical, Nulls = ["-1"] },
            },
        };

        var fromCsv = await bench.IngestAsync(definition, csv);
        var fromParquet = await bench.IngestAsync(definition, parquet);

        var read = await bench.RowsAsync(fromParquet.Raw, "size", "age", "code", "y");
        read.Should().BeEquivalentTo(await bench.RowsAsync(fromCsv.Raw, "size", "age", "code", "y"), options => options.WithStrictOrdering());
        Enumerable.Range(0, 3).Select(column => read.Count(row => row[column] is null)).Should().Equal(10, 12, 15);
        var manifest = await bench.Host.Get<DatasetStore>().GetAsync(fromParquet.Raw.Id, default);
        var told = Json.Read<IReadOnlyList<Warning>>(manifest.Notes[DatasetNotes.Warnings]!.ToJsonString())!;
        told.Select(warning => (warning.Column, warning.Count, warning.Example, warning.Headline)).Should().BeEquivalentTo(
            [("size", (long?)10, "-99.9", true), ("age", 12, "-999", true), ("code", 15, "-1", true), ("y", 60, "1", true)],
            "y counts its rows, which a CSV would be told for, too");
    }

    /// <summary>Whoever writes a table of texts as Parquet says no more of them than a CSV does.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Texts_of_parquet_that_are_declared_numbers_and_dates_are_read_as_the_cells_of_a_csv(bool declaresFormats)
    {
        var rows = Enumerable.Range(1, 60).Select(i =>
            $"\"{i}.{234 + i},5\",\"{1 + (i % 28):00}/{1 + (i % 12):00}/2026\",{(i % 2 == 0 ? "Yes" : "no")},"
                + $"{(i == 7 ? "much" : i % 5 == 0 ? "N/A" : $"{i}")},{i}\n");
        var csv = bench.Host.WriteFile("texts.csv", "amount,day,paid,count,y\n" + string.Concat(rows));
        var parquet = AsParquet(csv, $"SELECT * REPLACE (y::DOUBLE AS y) FROM read_csv('{csv}', all_varchar = true)");
        var definition = Definition with
        {
            Target = "y",
            Columns = new Dictionary<string, ColumnRule>
            {
                ["amount"] = declaresFormats ? new() { Decimal = DecimalMark.Comma } : new() { Kind = ColumnKind.Numeric },
                ["day"] = declaresFormats ? new() { Format = CellPattern.Dmy } : new() { Kind = ColumnKind.Datetime },
                ["paid"] = new() { Kind = ColumnKind.Boolean },
                ["count"] = new() { Kind = ColumnKind.Numeric },
            },
        };

        var fromCsv = await bench.IngestAsync(definition, csv);
        var fromParquet = await bench.IngestAsync(definition, parquet);

        string[] columns = ["amount", "day", "paid", "count", "y"];
        var read = await bench.RowsAsync(fromParquet.Raw, columns);
        read.Should().BeEquivalentTo(await bench.RowsAsync(fromCsv.Raw, columns), options => options.WithStrictOrdering());
        read[0].Should().Equal(1235.5, new DateTime(2026, 2, 2, 0, 0, 0, DateTimeKind.Unspecified), false, 1.0, 1.0);
        read[6][3].Should().BeNull();
        var manifest = await bench.Host.Get<DatasetStore>().GetAsync(fromParquet.Raw.Id, default);
        Json.Read<IReadOnlyList<Warning>>(manifest.Notes[DatasetNotes.Warnings]!.ToJsonString())
            .Should().ContainSingle(warning => warning.Column == "count" && warning.Count == 1 && warning.Example == "much" && warning.Headline)
            .Which.Text.Should().StartWith("Column 'count': 1 of 60 cells cannot be read as a number (1234.5) (such as 'much')");
    }

    [Fact]
    public async Task Texts_of_parquet_that_were_taken_for_missing_or_for_words_are_told_as_those_of_a_csv()
    {
        var rows = Enumerable.Range(0, 60).Select(i =>
            $"{(i < 2 ? "n/a" : i < 5 ? "NA" : "red")},{(i == 3 ? "none" : $"{i}.5")},{(i < 4 ? "0000-00-00" : "2026-01-02")},{i % 7}\n");
        var csv = bench.Host.WriteFile("missing.csv", "colour,amount,at,y\n" + string.Concat(rows));
        var parquet = AsParquet(csv, $"SELECT * REPLACE (y::DOUBLE AS y) FROM read_csv('{csv}', all_varchar = true)");
        var definition = Definition with
        {
            Target = "y",
            Columns = new Dictionary<string, ColumnRule> { ["amount"] = new() { Kind = ColumnKind.Numeric }, ["at"] = new() { Kind = ColumnKind.Datetime } },
        };

        await bench.IngestAsync(definition, parquet);
        var ofParquet = bench.Told;
        await bench.IngestAsync(definition, csv);

        ofParquet.Select(warning => (warning.Column, warning.Count, warning.Example, warning.Headline, warning.Line)).Should().Equal(
            ("colour", 2, "n/a", true, null), ("amount", 1, "none", true, null), ("at", 4, "0000-00-00", true, null), ("colour", 3, "NA", false, null));
        ofParquet[0].Text.Should().Be("Column 'colour': 2 of 60 cells have a text that was taken for a missing value (such as 'n/a'). Declare \"nulls\" to "
            + "change that.");
        ofParquet[^1].Text.Should().StartWith("Column 'colour': 'NA' (3 cells) is taken for a value");
        bench.Told.Skip(ofParquet.Count).Where(warning => warning.Count is not null).Select(warning => (warning.Column, warning.Count, warning.Example))
            .Should().BeEquivalentTo(ofParquet.Select(warning => (warning.Column, warning.Count, warning.Example)));
    }

    [Fact]
    public async Task Times_of_day_are_the_same_seconds_in_parquet_and_in_text()
    {
        var csv = bench.Host.WriteFile("times.csv", "at,y\n" + string.Concat(Enumerable.Range(0, 30).Select(i => $"08:{i:00}:07.5,{i}\n")));
        var parquet = AsParquet(csv, $"SELECT \"at\"::TIME AS \"at\", y FROM read_csv('{csv}')");

        var fromCsv = await bench.RowsAsync((await bench.IngestAsync(Definition, csv)).Raw, "at");
        var fromParquet = await bench.RowsAsync((await bench.IngestAsync(Definition, parquet)).Raw, "at");

        fromParquet.Select(row => row[0]).Should().Equal(Enumerable.Range(0, 30).Select(i => (object)((8 * 3600) + (i * 60) + 7.5)));
        fromCsv.Select(row => row[0]).Should().Equal(fromParquet.Select(row => row[0]));
    }

    [Fact]
    public async Task Quotes_line_breaks_and_doubled_quotes_in_cells_are_kept()
    {
        var raw = await bench.IngestTextAsync(Definition, "a,y\n\"line one\nline \"\"two\"\"\",1\nplain,2\n");

        (await bench.RowsAsync(raw.Raw, "a"))[0][0].Should().Be("line one\nline \"two\"");
    }

    [Theory]
    [InlineData("Trips of May\n", "('Trips of May') has 1 cell,")]
    [InlineData("Trips of May,,\n", "('Trips of May,,') has 3 cells,")]
    public async Task A_title_above_the_header_is_told(string title, string cells)
    {
        var csv = title + "a,b,c,d,y\n" + string.Concat(Enumerable.Range(0, 100).Select(i => $"{i},{i},x,z,{i}.5\n"));

        var ingest = () => bench.IngestTextAsync(Definition, csv);

        (await ingest.Should().ThrowAsync<InputException>())
            .WithMessage($"*the first line {cells} most lines below it have another number of cells (5).*remove a title*");
    }

    [Fact]
    public async Task Ragged_rows_are_left_out_and_counted_with_the_first_line_named()
    {
        var raw = await bench.IngestTextAsync(Definition, "a,b,y\n1,2,3\n4,5\n6,7,8,9\n1,1,1\n");

        raw.Raw.Rows.Should().Be(2);
        bench.Warnings.Should().ContainSingle().Which.Should().Contain("2 of 4 rows").And.Contain("line 3");
        var manifest = await bench.Host.Get<DatasetStore>().GetAsync(raw.Raw.Id, default);
        var example = (await DroppedRows.ReadAsync(bench.Host.Storage, manifest, default)).Should().ContainSingle().Subject;
        example.Rows.Select(row => string.Join(',', row)).Should().Equal("4,5", "6,7,8,9");
    }

    /// <summary>Taken for characters, the quotes would let the delimiter between them stand for a cell that is not there.</summary>
    [Theory]
    [InlineData('"')]
    [InlineData('\'')]
    public async Task A_row_that_lacks_a_cell_is_not_made_whole_by_the_delimiter_in_another(char quote)
    {
        var raw = await bench.IngestTextAsync(Definition, "a,b,y\n1,'x, y',3\n'x, y',5\n6, 'z, x',7\n".Replace('\'', quote));

        (await bench.RowsAsync(raw.Raw, "a", "b", "y")).Should().BeEquivalentTo([new object[] { 1.0, "x, y", 3.0 }, [6.0, "z, x", 7.0]]);
        bench.Told.Should().ContainSingle(warning => warning.Text.Contains("1 of 3 rows was left out") && warning.Line == 3);
    }

    [Theory]
    [InlineData("a,b,y\n1, 'x, y',3\n2, 'it''s' ,4\n", "x, y", "it's")]
    [InlineData("a,b,y\n1,'x, y',3\n\n2 ,'z',4\n", "x, y", "z")]
    [InlineData("a,b,y\n1,'x; y',3\n2,'z, x', 4\n5,6\n", "x; y", "z, x")]
    [InlineData("a,b,y\n1, 'x',3\n2, 'tis so,4\n", "'x'", "'tis so")]
    [InlineData("a,b,y\n1, 'x' 'z',3\n2, 'y',4\n", "'x' 'z'", "'y'")]
    [InlineData("a,b,c,y\n1,'tis,cats',3\n2,x,cats',4\n", "'tis", "x")]
    public async Task Apostrophes_quote_where_all_of_them_do_whatever_blanks_lines_or_rows_there_are_beside(string csv, params string[] words)
    {
        var raw = await bench.IngestTextAsync(Definition, csv);

        (await bench.RowsAsync(raw.Raw, "b")).Select(row => row[0]).Should().BeEquivalentTo(words);
    }

    [Theory]
    [InlineData("{\"a\": 1, \"y\": 2}\n{\"a\": 2, \"y\": 3}\n")]
    [InlineData("\uFEFF[\n  { \"a\": 1, \"y\": 2 }\n]")]
    [InlineData("[[1, 2], [3, 4]]")]
    public async Task Json_is_called_json(string json)
    {
        var ingest = () => bench.IngestTextAsync(Definition, json);

        (await ingest.Should().ThrowAsync<InputException>()).WithMessage("*is JSON, not a CSV. Write its rows as CSV (UTF-8) or Parquet*");
    }

    [Fact]
    public async Task A_header_in_brackets_is_a_header() =>
        (await bench.IngestTextAsync(Definition, "[a],y\n1,2\n2,3\n")).Raw.Rows.Should().Be(2);

    [Fact]
    public async Task Numbers_with_a_unit_are_text_and_told_by_a_headline()
    {
        var rows = string.Concat(Enumerable.Range(0, 200).Select(i => $"{800 + (i * 3)} CC,{(i == 7 ? "n/a" : $"{i % 40}.5 °C")},{i % 9}th,{i}\n"));

        await bench.IngestTextAsync(Definition, "engine,outside,rank,y\n" + rows);

        bench.Warnings.Should().Contain("Column 'engine' is read as text: 200 of its 200 values are numbers with 'CC' behind (line 2: '800 CC'). Write them "
            + "without it, and they are used as numbers; or declare a kind.");
        bench.Warnings.Should().Contain(text => text.StartsWith("Column 'outside' is read as text: 199 of its 199 values are numbers with '°C' behind"));
        bench.Warnings.Should().Contain(text => text.StartsWith("Column 'rank' is read as text: 200 of its 200 values are numbers with 'th' behind"));
    }

    [Fact]
    public async Task Numbers_that_are_dates_are_told_by_a_headline_and_are_dates_where_that_is_declared()
    {
        var days = Enumerable.Range(0, 60).Select(i => new DateTime(2020, 1, 1).AddDays(17 * i)).ToList();
        var csv = "day,code,y\n" + string.Concat(days.Select((day, i) => $"{day:yyyyMMdd},{20200000 + (i * 31)},{day:yyyyMMdd}\n"));

        await bench.IngestTextAsync(Definition, csv);
        var warnings = bench.Warnings.ToList();
        var declared = await bench.IngestTextAsync(
            Definition with { Columns = new Dictionary<string, ColumnRule> { ["day"] = new() { Kind = ColumnKind.Datetime } } }, csv);

        warnings.Where(text => text.Contains("are dates")).Should().ContainSingle("the code has months of 31, and a target is what it is").Which.Should().Be(
            "Column 'day': all of its 60 numbers are dates without separators (line 2: '20200101'); they are used as numbers. Declare it \"datetime\" to use "
            + "them as dates.");
        var dated = await bench.Host.Get<DatasetStore>().GetAsync(declared.Raw.Id, default);
        dated.Columns.Single(column => column.Name == "day").Type.Should().Be(StorageType.Timestamp);
    }

    [Theory]
    [InlineData("", "*empty (0 bytes)*")]
    [InlineData("a,b,y\n", "*header but no rows*")]
    [InlineData("\n\n\n", "*no rows*")]
    public async Task A_file_without_rows_says_so(string csv, string message)
    {
        var act = () => bench.IngestTextAsync(Definition, csv);

        (await act.Should().ThrowAsync<InputException>()).WithMessage(message);
    }

    [Fact]
    public async Task Binary_garbage_called_csv_is_refused_with_what_to_do()
    {
        var path = Path.Combine(bench.Host.WorkFolder, "garbage.csv");
        var garbage = new byte[100_000];
        new Random(5).NextBytes(garbage);
        await File.WriteAllBytesAsync(path, garbage);

        var act = () => bench.IngestAsync(Definition, path);

        (await act.Should().ThrowAsync<InputException>()).WithMessage("garbage.csv is no*text*Give*");
    }

    [Fact]
    public async Task Text_that_is_not_utf_8_is_read_as_windows_1252_and_told()
    {
        var path = Path.Combine(bench.Host.WorkFolder, "latin.csv");
        await File.WriteAllBytesAsync(path, Encoding.Latin1.GetBytes("a,y\nplain,1\nstraße,2\n"));

        var raw = await bench.IngestAsync(Definition, path);

        (await bench.RowsAsync(raw.Raw, "a"))[1][0].Should().Be("straße");
        bench.Warnings.Should().ContainSingle().Which.Should().Contain("line 3").And.Contain("0xDF").And.Contain("Windows-1252");
    }

    [Fact]
    public async Task Utf_8_with_a_broken_byte_is_refused_with_the_line_and_the_byte()
    {
        var path = Path.Combine(bench.Host.WorkFolder, "broken.csv");
        await File.WriteAllBytesAsync(path, [.. Encoding.UTF8.GetBytes("a,y\nstraße,1\nplain"), 0xdf, .. ",2\n"u8]);

        var act = () => bench.IngestAsync(Definition, path);

        (await act.Should().ThrowAsync<InputException>()).WithMessage("*line 3*0xDF*UTF-8*");
    }

    [Fact]
    public async Task A_damaged_gzip_and_an_excel_workbook_are_named_as_such()
    {
        var gzip = Path.Combine(bench.Host.WorkFolder, "x.csv.gz");
        await File.WriteAllBytesAsync(gzip, [0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        var workbook = Path.Combine(bench.Host.WorkFolder, "x.xlsx");
        await File.WriteAllBytesAsync(workbook, [.. "PK\x03\x04"u8, 1, 2, 3]);

        (await bench.Awaiting(b => b.IngestAsync(Definition, gzip)).Should().ThrowAsync<InputException>()).WithMessage("*damaged gzip*");
        (await bench.Awaiting(b => b.IngestAsync(Definition, workbook)).Should().ThrowAsync<InputException>()).WithMessage("*Excel*save*as CSV*");
    }

    [Fact]
    public async Task A_missing_file_and_a_missing_blob_are_named()
    {
        (await bench.Awaiting(b => b.IngestAsync(Definition, "/nowhere/x.csv")).Should().ThrowAsync<InputException>())
            .WithMessage("*/nowhere/x.csv does not exist*");
        (await bench.Awaiting(b => b.IngestAsync(Definition, "raw/ingest/none.csv")).Should().ThrowAsync<InputException>())
            .WithMessage("*no blob raw/ingest/none.csv*");
    }

    [Fact]
    public async Task Duplicate_empty_and_reserved_column_names_are_made_unique()
    {
        var raw = await bench.IngestTextAsync(Definition, "a,A,,__row_hash,y\n1,2,3,4,5\n");

        (await bench.ManifestAsync(raw.Raw)).Columns.Select(column => column.Name).Should().Equal("a", "A_2", "column_3", "__row_hash_2", "y");
        bench.Told.Should().OnlyContain(warning => warning.Code == WarningCodes.RenamedColumn);
        bench.Told.Select(warning => (warning.Column, warning.Example)).Should().Equal(("A_2", "A"), ("column_3", null), ("__row_hash_2", "__row_hash"));
    }

    [Fact]
    public async Task Odd_column_names_survive_unchanged()
    {
        string[] names = ["x\"; drop table y; --", new string('n', 500), "日本 🚕", "it's", "a b.c/d#e?f", "y"];
        var header = string.Join(",", names.Select(name => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\""));

        var raw = await bench.IngestTextAsync(Definition, $"{header}\n1,2,3,4,5,6\n2,3,4,5,6,7\n");

        (await bench.ManifestAsync(raw.Raw)).Columns.Select(column => column.Name).Should().Equal(names);
        (await bench.RowsAsync(raw.Raw, names))[1].Should().Equal(2.0, 3.0, 4.0, 5.0, 6.0, 7.0);
    }

    [Fact]
    public async Task A_ten_megabyte_cell_is_read()
    {
        var cell = new string('z', 10_000_000);

        var raw = await bench.IngestTextAsync(Definition, $"a,y\nshort,1\n{cell},2\nshort,3\n");

        ((string)(await bench.RowsAsync(raw.Raw, "a"))[1][0]!).Should().HaveLength(10_000_000);
    }

    [Fact]
    public async Task Very_many_columns_are_read()
    {
        var csv = new StringBuilder(string.Join(",", Enumerable.Range(0, TestSize.Columns).Select(i => $"c{i}"))).Append(",y\n");
        for (var row = 0; row < 30; row++)
        {
            csv.Append(string.Join(
                ",",
                Enumerable.Range(0, TestSize.Columns)
                    .Select(i => i % 7 == 0 ? "text" : ((row * i) % 11).ToString(System.Globalization.CultureInfo.InvariantCulture)))).Append(
                        System.Globalization.CultureInfo.InvariantCulture, $",{row}\n");
        }

        var raw = await bench.IngestTextAsync(Definition, csv.ToString());

        raw.Raw.Rows.Should().Be(30);
        (await bench.ManifestAsync(raw.Raw)).Columns.Should().HaveCount(TestSize.Columns + 1);
    }

    /// <summary>Writes what a query makes of a CSV as a Parquet file beside it.</summary>
    private string AsParquet(string csv, string query)
    {
        var parquet = Path.ChangeExtension(csv, ".parquet");
        using var session = bench.Host.Get<DuckDb>().Open(default);
        session.Copy(query, parquet);
        return parquet;
    }
}

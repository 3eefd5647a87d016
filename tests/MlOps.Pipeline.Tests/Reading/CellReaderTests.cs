using System.Globalization;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Features;
using MlOps.Pipeline.Reading;

namespace MlOps.Pipeline.Tests.Reading;

/// <summary>What a cell is read as.</summary>
public sealed class CellReaderTests
{
    private const int Cells = 10_000;
    private const int CellsOfTable = 200;

    [Theory]
    [InlineData("1234.5", NumberFormat.Point, 1234.5)]
    [InlineData("1,234.50", NumberFormat.CommaGroups, 1234.5)]
    [InlineData("1.234,50", NumberFormat.PointGroups, 1234.5)]
    [InlineData("1 234,5", NumberFormat.SpaceGroups, 1234.5)]
    [InlineData("1\u00a0234,5", NumberFormat.SpaceGroups, 1234.5)]
    [InlineData("1\u202f234,5", NumberFormat.SpaceGroups, 1234.5)]
    [InlineData("1'234.5", NumberFormat.ApostropheGroups, 1234.5)]
    [InlineData("12,34,567.25", NumberFormat.CommaGroups, 1234567.25)]
    [InlineData("(12.50)", NumberFormat.Point, -12.5)]
    [InlineData("$1,234.50", NumberFormat.CommaGroups, 1234.5)]
    [InlineData("-$1,234.50", NumberFormat.CommaGroups, -1234.5)]
    [InlineData("1.234,50 €", NumberFormat.PointGroups, 1234.5)]
    [InlineData("USD 12.5", NumberFormat.Point, 12.5)]
    [InlineData("15.2%", NumberFormat.Point, 15.2)]
    [InlineData("15,2 %", NumberFormat.Comma, 15.2)]
    [InlineData("\u22123.5", NumberFormat.Point, -3.5)]
    [InlineData(" +7 ", NumberFormat.Point, 7)]
    [InlineData("1e-5", NumberFormat.Point, 1e-5)]
    [InlineData("6.02E+23", NumberFormat.Point, 6.02e23)]
    [InlineData(".5", NumberFormat.Point, 0.5)]
    [InlineData("5.", NumberFormat.Point, 5)]
    [InlineData("12345678901234567890.5", NumberFormat.Point, 12345678901234567890.5)]
    [InlineData("-inf", NumberFormat.Point, double.NegativeInfinity)]
    [InlineData("00:11:11", NumberFormat.Point, 671)]
    [InlineData("1:02:03.25", NumberFormat.CommaGroups, 3723.25)]
    [InlineData("1:02:03,25", NumberFormat.Comma, 3723.25)]
    [InlineData("100:00:00", NumberFormat.Point, 360_000)]
    [InlineData("-00:00:01", NumberFormat.Point, -1)]
    [InlineData("0 days 00:11:11", NumberFormat.Point, 671)]
    [InlineData("1 day, 2:03:04", NumberFormat.Point, 93_784)]
    [InlineData("2 days 02:03:04.500000", NumberFormat.Point, 180_184.5)]
    [InlineData("-1 days +23:59:59", NumberFormat.Point, -1)]
    [InlineData("-1 day, 23:59:59", NumberFormat.Point, -1)]
    [InlineData("3 days", NumberFormat.Point, 259_200)]
    [InlineData("1.02:03:04", NumberFormat.Point, 93_784)]
    [InlineData("-1.02:03:04.1234567", NumberFormat.Point, -93_784.1234567)]
    public void A_number_is_read_as_it_is_written(string cell, NumberFormat format, double expected)
    {
        var state = new CellReader(StorageType.Double, new CellFormat { Numbers = format }).ReadNumber(Encoding.UTF8.GetBytes(cell), out var value);

        state.Should().Be(CellState.Value);
        value.Should().Be(expected);
    }

    [Theory]
    [InlineData("1,234", NumberFormat.Point)]
    [InlineData("1.234.567", NumberFormat.Point)]
    [InlineData("1,23,4", NumberFormat.CommaGroups)]
    [InlineData("12,34", NumberFormat.CommaGroups)]
    [InlineData("0.123", NumberFormat.PointGroups)]
    [InlineData("--5", NumberFormat.Point)]
    [InlineData("1-2", NumberFormat.Point)]
    [InlineData("5 apples", NumberFormat.Point)]
    [InlineData("1e", NumberFormat.Point)]
    [InlineData("1.2.3", NumberFormat.Point)]
    [InlineData("%", NumberFormat.Point)]
    [InlineData("$", NumberFormat.Point)]
    [InlineData("()", NumberFormat.Point)]
    [InlineData("12:30", NumberFormat.Point)]
    [InlineData("1:60:00", NumberFormat.Point)]
    [InlineData("1:2:3", NumberFormat.Point)]
    [InlineData("1:02:03:04", NumberFormat.Point)]
    [InlineData("1:02:03.", NumberFormat.Point)]
    [InlineData("1:02:003", NumberFormat.Point)]
    [InlineData("12345678:00:00", NumberFormat.Point)]
    [InlineData("1.24:00:00", NumberFormat.Point)]
    [InlineData("1 day 24:00:00", NumberFormat.Point)]
    [InlineData("1 daylight", NumberFormat.Point)]
    [InlineData("--1:02:03", NumberFormat.Point)]
    public void What_is_no_number_of_the_format_is_not_read(string cell, NumberFormat format) =>
        new CellReader(StorageType.Double, new CellFormat { Numbers = format }).ReadNumber(Encoding.UTF8.GetBytes(cell), out _).Should()
            .Be(CellState.Unreadable);

    [Theory]
    [InlineData("2026-01-31", DateOrder.Ymd, "2026-01-31T00:00:00")]
    [InlineData("2026/1/31", DateOrder.Mdy, "2026-01-31T00:00:00")]
    [InlineData("20260131T101500Z", DateOrder.Ymd, null)]
    [InlineData("2024-01-01 10:00:00+00:00", DateOrder.Ymd, "2024-01-01T10:00:00")]
    [InlineData("2024-03-11 14:07:00+00", DateOrder.Ymd, "2024-03-11T14:07:00")]
    [InlineData("2024-03-11 14:07:00.528450391", DateOrder.Ymd, "2024-03-11T14:07:00.528450")]
    [InlineData("2024-03-11 14:07:00 UTC", DateOrder.Ymd, "2024-03-11T14:07:00")]
    [InlineData("3/11/2024 2:07 PM", DateOrder.Mdy, "2024-03-11T14:07:00")]
    [InlineData("3/11/2024 12:07 AM", DateOrder.Mdy, "2024-03-11T00:07:00")]
    [InlineData("03.02.2023", DateOrder.Dmy, "2023-02-03T00:00:00")]
    [InlineData("2023-02-03", DateOrder.Dmy, "2023-02-03T00:00:00")]
    [InlineData("08 Oct 2024", DateOrder.Ymd, "2024-10-08T00:00:00")]
    [InlineData("Oct 8, 2024", DateOrder.Dmy, "2024-10-08T00:00:00")]
    [InlineData("Tue, 08 Oct 2024 10:00:00 GMT", DateOrder.Ymd, "2024-10-08T10:00:00")]
    [InlineData("8-Sept-24", DateOrder.Ymd, "2024-09-08T00:00:00")]
    [InlineData("31/12/99", DateOrder.Dmy, "1999-12-31T00:00:00")]
    [InlineData("2024-01-01T00:30:00+05:30", DateOrder.Ymd, "2023-12-31T19:00:00")]
    [InlineData("2024-01-01T00:30:00+0530", DateOrder.Ymd, "2023-12-31T19:00:00")]
    [InlineData("2024-01-01 20:30:00.5 -0800", DateOrder.Ymd, "2024-01-02T04:30:00.5")]
    [InlineData("2024-01-01 00:30:00+02", DateOrder.Ymd, "2023-12-31T22:30:00")]
    [InlineData("2024-01-01 00:30:00+0", DateOrder.Ymd, null)]
    [InlineData("2024-01-01 00:30:00+053", DateOrder.Ymd, null)]
    [InlineData("2024-01-01 00:30:00+05300", DateOrder.Ymd, null)]
    [InlineData("2024-01-01 00:30:00+-5:00", DateOrder.Ymd, null)]
    [InlineData("10:30", DateOrder.Mdy, null)]
    [InlineData("June 2024", DateOrder.Mdy, null)]
    [InlineData("6/15", DateOrder.Mdy, null)]
    [InlineData("31/02/2024", DateOrder.Dmy, null)]
    [InlineData("13/02/2024", DateOrder.Mdy, null)]
    [InlineData("03/02/2024", DateOrder.Ymd, null)]
    public void A_date_is_read_in_the_columns_order_or_with_the_year_first(string cell, DateOrder order, string? expected)
    {
        var state = new CellReader(StorageType.Timestamp, new CellFormat { Dates = order }).ReadTime(Encoding.UTF8.GetBytes(cell), out var microseconds);

        state.Should().Be(expected is null ? CellState.Unreadable : CellState.Value);
        if (expected is not null)
        {
            DateTime.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond).Should()
                .Be(DateTime.Parse(expected, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal));
        }
    }

    [Theory]
    [InlineData("", nameof(CellState.Missing), nameof(CellState.Missing))]
    [InlineData("  ", nameof(CellState.Missing), nameof(CellState.Missing))]
    [InlineData("N/A", nameof(CellState.Missing), nameof(CellState.Missing))]
    [InlineData("NA", nameof(CellState.Missing), nameof(CellState.Value))]
    [InlineData("?", nameof(CellState.Missing), nameof(CellState.Value))]
    [InlineData("abc", nameof(CellState.Unreadable), nameof(CellState.Value))]
    public void A_placeholder_is_missing_among_numbers_and_a_word_among_words(string cell, string amongNumbers, string amongWords)
    {
        var text = Encoding.UTF8.GetBytes(cell);

        new CellReader(StorageType.Double, null).ReadNumber(text, out _).ToString().Should().Be(amongNumbers);
        new CellReader(StorageType.Varchar, null).ReadText(text).ToString().Should().Be(amongWords);
    }

    [Fact]
    public void Declared_nulls_take_the_place_of_the_usual_ones()
    {
        var reader = new CellReader(StorageType.Double, new CellFormat { Nulls = ["-999"] });

        reader.ReadNumber("-999"u8, out _).Should().Be(CellState.Missing);
        reader.ReadNumber("NA"u8, out _).Should().Be(CellState.Unreadable);
    }

    [Fact]
    public void Every_number_comes_back_from_every_format_it_is_written_in() => Prop.ForAll(Numbers, number =>
    {
        var (whole, places, style) = number;
        var format = (NumberFormat)(style % 7);
        var value = whole / Math.Pow(10, places % 5);
        var text = Written((decimal)whole / (decimal)Math.Pow(10, places % 5), places % 5, format);
        return new CellReader(StorageType.Double, new CellFormat { Numbers = format }).ReadNumber(Encoding.UTF8.GetBytes(text), out var read) == CellState.Value
            && read == value;
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(Cells));

    [Fact]
    public void What_duckdb_casts_by_itself_it_reads_as_the_reader_does()
    {
        using var duckDb = new DuckDb(new PipelineOptions { WorkFolder = Path.GetTempPath() }, [new FeatureSqlFunctions(new FeatureFunctions([]))]);
        using var session = duckDb.Open(default);
        var random = new Random(1);
        var texts = Enumerable.Range(0, Cells).Select(_ => PlainText(random)).Where(text =>
            NumberText.TryScan(Encoding.UTF8.GetBytes(text), out var scan) && scan.Has(NumberTraits.Plain)).ToList();
        texts.Count.Should().BeGreaterThan(Cells / 2);
        var reader = new CellReader(StorageType.Double, null);

        foreach (var chunk in texts.Chunk(500))
        {
            var cast = session.Rows($"SELECT TRY_CAST(unnest({Sql.Texts(chunk)}) AS DOUBLE)");
            for (var i = 0; i < chunk.Length; i++)
            {
                reader.ReadNumber(Encoding.UTF8.GetBytes(chunk[i]), out var read).Should().Be(CellState.Value);
                cast[i][0].Should().Be(read, $"of '{chunk[i]}'");
            }
        }
    }

    [Fact]
    public void Booleans_and_texts_of_sql_are_those_of_the_reader()
    {
        using var duckDb = new DuckDb(new PipelineOptions { WorkFolder = Path.GetTempPath() }, [new FeatureSqlFunctions(new FeatureFunctions([]))]);
        using var session = duckDb.Open(default);
        var (words, missing) = (0, 0);

        Prop.ForAll(Tables, table =>
        {
            var (cells, nulls) = (table.Cells, table.Nulls);
            var format = nulls.Length == 0 ? null : new CellFormat { Nulls = nulls };
            var (booleans, texts) = (new CellReader(StorageType.Boolean, format), new CellReader(StorageType.Varchar, format));
            var rows = session.Rows($"SELECT TRY_CAST(cell AS BOOLEAN), {CellSql.Of("cell", StorageType.Boolean, format)}, "
                + $"{CellSql.IsUnreadable("cell", StorageType.Boolean, format)}, {CellSql.Of("cell", StorageType.Varchar, format)} "
                + $"FROM (SELECT unnest({Sql.Texts(cells)}) AS cell)");
            rows.Should().HaveSameCount(cells);
            foreach (var (row, cell) in rows.Zip(cells))
            {
                var utf8 = Encoding.UTF8.GetBytes(cell);
                var state = booleans.ReadBoolean(utf8, out var flag);
                object? expected = state == CellState.Value ? flag : null;
                row[1].Should().Be(expected, $"of '{cell}' with nulls [{string.Join('|', nulls)}]");
                row[2].Should().Be(state == CellState.Unreadable, $"of '{cell}' with nulls [{string.Join('|', nulls)}]");
                if (BooleanText.IsWord(utf8) && nulls.Length == 0)
                {
                    // These DuckDB casts by itself while it reads the file.
                    row[0].Should().Be(expected, $"of '{cell}'").And.NotBeNull();
                    words++;
                }
                var isMissing = texts.ReadText(utf8) == CellState.Missing;
                row[3].Should().Be(isMissing ? null : cell, $"of '{cell}' with nulls [{string.Join('|', nulls)}]");
                missing += isMissing ? 1 : 0;
            }
            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(Cells / CellsOfTable));
        words.Should().BeGreaterThan(Cells / 100);
        missing.Should().BeGreaterThan(Cells / 40);
    }

    [Fact]
    public void The_quick_scan_of_a_plain_number_finds_what_the_full_one_does()
    {
        var random = new Random(2);
        var quick = 0;
        for (var i = 0; i < Cells; i++)
        {
            var text = PlainText(random);
            var cell = Encoding.UTF8.GetBytes(i % 2 == 0 || text.Length < 4 ? text : text[..random.Next(1, 4)]);
            if (cell.Length > 0 && NumberText.TryScanPlain(cell, out var plain))
            {
                NumberText.TryScanFully(cell, out var full).Should().BeTrue();
                plain.Should().Be(full, $"of '{Encoding.UTF8.GetString(cell)}'");
                quick++;
            }
        }
        quick.Should().BeGreaterThan(Cells / 4);
    }

    /// <summary>A whole number of any size, how many of its digits are a fraction, and how it is written.</summary>
    private static Arbitrary<(int Whole, int Places, int Style)> Numbers =>
        (from size in Gen.Choose(1, 9)
         from whole in Gen.Choose(-(int)Math.Pow(10, size), (int)Math.Pow(10, size))
         from places in Gen.Choose(0, 4)
         from style in Gen.Choose(0, 6)
         select (whole, places, style)).ToArbitrary();

    /// <summary>Cells that are, or all but are, booleans, texts for a missing value and words, some within blanks; and the nulls that a definition
    /// declares.</summary>
    private static Arbitrary<(string[] Cells, string[] Nulls)> Tables
    {
        get
        {
            string[] known = ["true", "false", "yes", "no", "y", "n", "t", "f", "on", "off", "1", "0", "1.0", "0.0", .. NullTexts.Everywhere,
                .. NullTexts.Placeholders, "truee", "ja", "Köln", "it's", "01", "\"q\"", "日本"];
            string[] blanks = ["", "", "", " ", "\t", "\u00a0", " \r\n", "\u00a0 ", "\u2003"];
            var cells =
                from text in Gen.Frequency(
                    (6, Gen.Elements(known)), (6, Gen.Elements("true", "false")), (1, Gen.Constant("")),
                    (2, Gen.Elements("trufalsenyo01.# /AN\\'\u00a0é".ToCharArray()).ArrayOf(5).Select(letters => new string(letters))))
                from cases in Gen.Choose(0, 2)
                from upper in Gen.Choose(0, 255)
                from before in Gen.Elements(blanks)
                from after in Gen.Elements(blanks)
                select before + (cases == 0 ? text : Cased(text, upper)) + after;
            return (from all in cells.ArrayOf(CellsOfTable)
                    from nulls in Gen.OneOf(Gen.Constant(Array.Empty<string>()), Gen.Elements(known).ArrayOf(3))
                    select (all, nulls)).ToArbitrary();
        }
    }

    /// <summary>Letters in upper case where a bit says so.</summary>
    private static string Cased(string text, int bits) =>
        string.Concat(text.Select((letter, i) => (bits >> (i % 8) & 1) == 1 ? char.ToUpperInvariant(letter) : letter));

    private static string PlainText(Random random) => random.Next(4) switch
    {
        0 => random.NextInt64(-1_000_000_000_000_000, 1_000_000_000_000_000).ToString(CultureInfo.InvariantCulture),
        1 => (random.NextDouble() * Math.Pow(10, random.Next(-10, 20))).ToString("R", CultureInfo.InvariantCulture),
        2 => $"{(random.Next(2) == 0 ? "-" : "")}{random.Next(100_000)}.{random.NextInt64(1_000_000_000_000_000)}",
        _ => string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => "0123456789.-eE+ "[random.Next(16)])),
    };

    /// <summary>A number as people write it in a format: in groups of three where the format has them.</summary>
    private static string Written(decimal value, int places, NumberFormat format)
    {
        var (mark, group) = format switch
        {
            NumberFormat.Comma => (",", ""),
            NumberFormat.CommaGroups => (".", ","),
            NumberFormat.PointGroups => (",", "."),
            NumberFormat.SpaceGroups => (",", " "),
            NumberFormat.SpaceGroupsPoint => (".", "\u00a0"),
            NumberFormat.ApostropheGroups => (".", "'"),
            _ => (".", ""),
        };
        var digits = new NumberFormatInfo { NumberDecimalSeparator = mark, NumberGroupSeparator = group, NumberGroupSizes = group.Length > 0 ? [3] : [0] };
        return value.ToString($"N{places}", digits);
    }
}

using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

/// <summary>Small files that are made to become very large ones end with a sentence, before they take memory and disk.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class BombTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private const long Megabyte = 1 << 20;

    private static readonly PipelineDefinition Definition = new() { Model = "bombs", Target = "a" };

    private StageBench bench = new(azurite);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => bench.DisposeAsync().AsTask();

    [Theory]
    [InlineData('\0')]
    [InlineData('x')]
    [InlineData('\n')]
    [InlineData(',')]
    public async Task A_gigabyte_of_one_character_in_a_small_gzip_is_refused_after_a_part_of_it(char of)
    {
        // Members one after the other are one gzip file.
        var member = Gzip(Encoding.ASCII.GetBytes(new string(of, 64 << 20)));
        var path = Write("bomb.csv.gz", Enumerable.Repeat(member, 16));
        var (memory, written) = (Memory(), Written());

        var refused = await RefusedAsync(path);

        refused.Should().Be("bomb.csv.gz unpacks to more than 200 times its size. Is it the right file? If it is, give it unpacked, or raise the setting "
            + "Limits__Expansion.");
        (Memory() - memory).Should().BeLessThan(300 * Megabyte);
        (Written() - written).Should().BeLessThan(350 * Megabyte);
        Left().Should().BeEmpty();
    }

    [Fact]
    public async Task What_a_gzip_may_unpack_to_is_a_setting()
    {
        await LimitAsync(limits => limits with { UnpackedBytes = 100_000 });
        var path = Write("rows.csv.gz", [Gzip(Encoding.ASCII.GetBytes("a,b\n" + string.Concat(Enumerable.Range(0, 20_000).Select(i => $"{i},{i * 7}\n"))))]);

        (await RefusedAsync(path)).Should().Contain("unpacks to more than 100,000 bytes").And.Contain("Limits__UnpackedBytes");
        Left().Should().BeEmpty();
    }

    [Fact]
    public async Task A_line_without_an_end_is_refused_before_all_of_it_is_in_memory()
    {
        var path = Write("endless.csv", ["a,b\n"u8.ToArray(), .. Enumerable.Repeat(Encoding.ASCII.GetBytes(new string('7', 32 << 20)), 10)]);
        var memory = Memory();

        (await RefusedAsync(path)).Should().Contain("A row is longer than 16,777,216 bytes").And.Contain("Limits__RowBytes");
        (Memory() - memory).Should().BeLessThan(400 * Megabyte);
    }

    [Fact]
    public async Task A_first_line_without_an_end_is_refused_too()
    {
        var path = Write("endless.csv", Enumerable.Repeat(Encoding.ASCII.GetBytes(new string('7', 32 << 20)), 10));
        var memory = Memory();

        (await RefusedAsync(path)).Should().Contain("A row is longer than 16,777,216 bytes");
        (Memory() - memory).Should().BeLessThan(400 * Megabyte);
    }

    [Fact]
    public async Task More_columns_than_may_be_are_refused_whatever_the_format()
    {
        await LimitAsync(limits => limits with { Columns = 20 });
        var csv = bench.Host.WriteFile("wide.csv", string.Join(',', Enumerable.Range(0, 21).Select(i => $"c{i}")) + "\n" + new string(',', 20) + "\n");
        var parquet = await ParquetAsync("wide.parquet", $"SELECT {string.Join(", ", Enumerable.Range(0, 21).Select(i => $"{i} AS c{i}"))}");

        foreach (var path in new[] { csv, parquet })
        {
            (await RefusedAsync(path)).Should().Contain("has 21 columns; 20 are the most").And.Contain("Limits__Columns");
        }
    }

    [Fact]
    public async Task A_line_of_a_million_delimiters_is_refused_for_its_columns()
    {
        var path = Write("wide.csv", [Encoding.ASCII.GetBytes(new string(',', 1_000_000) + "\n1\n2\n")]);

        (await RefusedAsync(path)).Should().Contain("has 1,000,001 columns");
    }

    [Fact]
    public async Task More_rows_than_may_be_are_refused_whatever_the_format()
    {
        await LimitAsync(limits => limits with { FileRows = 20 });
        var csv = bench.Host.WriteFile("long.csv", "a,b\n" + string.Concat(Enumerable.Range(0, 21).Select(i => $"{i},{i}\n")));
        var parquet = await ParquetAsync("long.parquet", "SELECT range AS a FROM range(21)");

        foreach (var path in new[] { csv, parquet })
        {
            (await RefusedAsync(path)).Should().Contain("has 21 rows; 20 are the most").And.Contain("Limits__FileRows");
        }
    }

    [Fact]
    public async Task A_parquet_whose_rows_are_one_value_again_and_again_is_refused_without_being_read()
    {
        var path = await ParquetAsync("runs.parquet", "SELECT 1 AS a, 2 AS b, 3 AS c FROM range(20_000_000)");
        new FileInfo(path).Length.Should().BeLessThan(Megabyte);
        var written = Written();

        (await RefusedAsync(path)).Should().Contain("unpacks to more than 200 times its size").And.Contain("Limits__Expansion");
        (Written() - written).Should().BeLessThan(20 * Megabyte);
    }

    [Theory]
    [InlineData(7, int.MaxValue)]
    [InlineData(1_000_000, 1 << 30)]
    [InlineData(1L << 40, 100)]
    [InlineData(long.MaxValue, int.MaxValue)]
    [InlineData(-1, -1)]
    public async Task A_parquet_that_claims_what_it_does_not_have_is_refused(long rows, int pageBytes)
    {
        var path = Write("claims.parquet", [MadeUpParquet.Claiming(rows, pageBytes)]);
        var memory = Memory();

        var refused = await RefusedAsync(path);

        Sentences.InsidesOf(refused).Should().BeNull(refused);
        (Memory() - memory).Should().BeLessThan(600 * Megabyte);
        Left().Should().BeEmpty();
    }

    [Theory]
    [InlineData(-5)]
    [InlineData(long.MinValue)]
    [InlineData(1L << 40)]
    [InlineData(long.MaxValue)]
    public Task A_parquet_whose_page_is_at_no_place_of_the_file_is_refused(long start) => AssertRefusedAsync(MadeUpParquet.WithPageAt(start));

    [Fact]
    public Task A_parquet_without_columns_is_refused() => AssertRefusedAsync(MadeUpParquet.WithoutColumns());

    [Theory]
    [InlineData(2)]
    [InlineData(16)]
    public Task A_parquet_of_numbers_that_mean_what_they_cannot_is_refused(int meaning) => AssertRefusedAsync(MadeUpParquet.Meaning(meaning));

    [Theory]
    [InlineData(10)]
    [InlineData(1_000)]
    [InlineData(200_000)]
    public async Task A_parquet_of_groups_within_groups_is_refused(int levels)
    {
        var path = Write("nested.parquet", [MadeUpParquet.Nested(levels)]);

        var refused = await RefusedAsync(path);

        Sentences.InsidesOf(refused).Should().BeNull(refused);
    }

    [Fact]
    public async Task Members_that_are_not_known_are_passed_over()
    {
        var (type, value) = MadeUpParquet.Within(3, isList: false);

        (await bench.IngestAsync(Definition, Write("page.parquet", [MadeUpParquet.WithPageMember(type, value)]))).Should().NotBeNull();
        (await bench.IngestAsync(Definition, Write("footer.parquet", [MadeUpParquet.WithFooterMember(type, value)]))).Should().NotBeNull();
    }

    [Fact]
    public async Task A_parquet_whose_statistics_know_of_no_missing_values_and_that_has_some_is_refused()
    {
        var path = Path.Combine(bench.Host.WorkFolder, "denied.parquet");
        using (var session = bench.Host.Get<DuckDb>().Open(default))
        {
            session.Execute(
                $"COPY (SELECT 'a long word of kind ' || range % 3 AS word, range::DOUBLE AS amount FROM range(60)) TO {Sql.Text(path)} "
                + "(FORMAT parquet, COMPRESSION uncompressed)");
        }
        var content = await File.ReadAllBytesAsync(path);
        // The first page's levels: in a run of 60 the value 1, which is "there".
        var place = content.AsSpan().IndexOf(new byte[] { 2, 0, 0, 0, 60 << 1, 1 });
        content[place + 5] = 0;
        await File.WriteAllBytesAsync(path, content);

        (await RefusedAsync(path)).Should().StartWith("denied.parquet cannot be read as Parquet");
    }

    [Theory]
    [InlineData(1_000, false)]
    [InlineData(5_000_000, false)]
    [InlineData(5_000_000, true)]
    public async Task Members_within_members_are_refused_in_heads_of_pages_and_in_the_footer(int levels, bool isList)
    {
        var (type, value) = MadeUpParquet.Within(levels, isList);

        await AssertRefusedAsync(MadeUpParquet.WithPageMember(type, value));
        await AssertRefusedAsync(MadeUpParquet.WithFooterMember(type, value));
    }

    /// <summary>A list of elements that take no bytes would be gone through for ever.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(12)]
    [InlineData(15)]
    public async Task Lists_without_an_end_are_refused_in_heads_of_pages_and_in_the_footer(byte of)
    {
        var (type, value) = MadeUpParquet.Endless(of);

        await AssertRefusedAsync(MadeUpParquet.WithPageMember(type, value));
        await AssertRefusedAsync(MadeUpParquet.WithFooterMember(type, value));
    }

    [Fact]
    public async Task A_page_that_claims_sizes_which_it_does_not_have_is_refused()
    {
        int[] sizes = [int.MinValue, -1, 0, int.MaxValue];
        var memory = Memory();
        foreach (var kind in new[] { 0, 2, 3 })
        {
            foreach (var (unpacked, packed) in sizes.SelectMany(unpacked => sizes.Select(packed => (unpacked, packed))))
            {
                const int Uncompressed = 0;
                const int Zstd = 6;
                await AssertRefusedAsync(MadeUpParquet.WithPage(kind, unpacked == packed ? Uncompressed : Zstd, unpacked, packed));
            }
        }
        (Memory() - memory).Should().BeLessThan(600 * Megabyte);
        Left().Should().BeEmpty();
    }

    private async Task AssertRefusedAsync(byte[] parquet)
    {
        var budget = Budget.Start();
        var refused = await RefusedAsync(Write("hostile.parquet", [parquet]));

        Sentences.InsidesOf(refused).Should().BeNull(refused);
        budget.IsOver(TimeSpan.FromSeconds(2)).Should().BeFalse();
    }

    private async Task<string> RefusedAsync(string path) =>
        (await bench.Awaiting(it => it.IngestAsync(Definition, path)).Should().ThrowAsync<InputException>()).Which.Message;

    private async Task LimitAsync(Func<InputLimits, InputLimits> change)
    {
        await bench.DisposeAsync();
        bench = new StageBench(azurite, options => options with { Limits = change(options.Limits) });
    }

    private async Task<string> ParquetAsync(string name, string query)
    {
        var path = Path.Combine(bench.Host.WorkFolder, name);
        using var session = bench.Host.Get<DuckDb>().Open(default);
        await Task.Run(() => session.Copy(query, path));
        return path;
    }

    private string Write(string name, IEnumerable<byte[]> pieces)
    {
        var path = Path.Combine(bench.Host.WorkFolder, name);
        using var file = File.Create(path);
        foreach (var piece in pieces)
        {
            file.Write(piece);
        }
        return path;
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            gzip.Write(bytes);
        }
        return packed.ToArray();
    }

    /// <summary>What lies in the folder for copies.</summary>
    private IEnumerable<string> Left() => Path.Combine(bench.Host.WorkFolder, "incoming") is var folder && Directory.Exists(folder)
        ? Directory.EnumerateFiles(folder)
        : [];

    /// <summary>The most that this process has had in memory since it began: it only grows.</summary>
    private static long Memory()
    {
        using var process = Process.GetCurrentProcess();
        process.Refresh();
        return process.PeakWorkingSet64;
    }

    /// <summary>Bytes that this process has written; 0 where the system does not tell.</summary>
    private static long Written() => OperatingSystem.IsLinux()
        ? long.Parse(File.ReadLines("/proc/self/io").Single(line => line.StartsWith("wchar:", StringComparison.Ordinal))[6..])
        : 0;
}

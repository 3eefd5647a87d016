using DuckDB.NET.Native;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Stages.Ingest;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

/// <summary>Which Parquet files contradict themselves: only those are at fault where memory was not enough to read them.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class ParquetClaimsTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private readonly StageBench bench = new(azurite);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => bench.DisposeAsync().AsTask();

    [Theory]
    [InlineData("SELECT 1 AS a, 'x' AS b FROM range(2_000_000)", "COMPRESSION snappy")]
    [InlineData("SELECT 1 AS a, repeat('x', 1000) AS b FROM range(100_000)", "COMPRESSION zstd")]
    [InlineData("SELECT 1 AS a, repeat('x', 1000) AS b FROM range(100_000)", "COMPRESSION gzip")]
    [InlineData("SELECT 1 AS a, repeat('x', 1000) AS b FROM range(100_000)", "COMPRESSION lz4_raw")]
    [InlineData("SELECT range AS a, range * 0.1 AS b, repeat('word', (range % 7)::INTEGER) AS c FROM range(50_000)", "COMPRESSION uncompressed")]
    [InlineData("SELECT range AS a, range * 0.1 AS b, repeat('word', (range % 7)::INTEGER) AS c FROM range(50_000)", "PARQUET_VERSION V2")]
    [InlineData("SELECT CASE WHEN range % 3 = 0 THEN range END AS a, NULL::VARCHAR AS b FROM range(50_000)", "ROW_GROUP_SIZE 2048")]
    [InlineData("SELECT [1, 2, range] AS a, {'x': range, 'y': []::INTEGER[]} AS b, DATE '2026-01-01' AS c FROM range(9_000)", "ROW_GROUP_SIZE 2048")]
    public async Task A_good_file_fits_together_and_is_never_at_fault_for_the_memory_that_it_takes(string query, string options)
    {
        var path = await WriteAsync(query, options);

        ParquetClaims.FitTogether(path).Should().BeTrue();
        Reading(path).Should().Throw<DuckDbReadException>("the machine has too little memory, and another may have enough");
    }

    [Fact]
    public async Task A_file_that_claims_what_it_does_not_have_is_at_fault()
    {
        foreach (var bytes in new[]
        {
            MadeUpParquet.Claiming(1_000_000, 1 << 30), MadeUpParquet.Claiming(long.MaxValue, int.MaxValue), MadeUpParquet.WithPage(0, 6, int.MaxValue, 28),
            MadeUpParquet.WithPage(2, 6, int.MaxValue, 28), MadeUpParquet.WithPage(0, 0, -1, -1), MadeUpParquet.WithPageAt(1L << 40),
            MadeUpParquet.WithPageAt(-7),
        })
        {
            var path = Path.Combine(bench.Host.WorkFolder, "claims.parquet");
            await File.WriteAllBytesAsync(path, bytes);

            ParquetClaims.FitTogether(path).Should().BeFalse();
            Reading(path).Should().Throw<InputException>().WithMessage("*is damaged*");
        }
    }

    [Fact]
    public async Task Each_number_of_a_head_that_is_changed_shows()
    {
        var path = await WriteAsync("SELECT range AS a FROM range(4_000)", "COMPRESSION uncompressed");
        var good = await File.ReadAllBytesAsync(path);

        // The first page's head begins behind the magic word: kind, sizes and count, a byte of type and one to three of the number each.
        foreach (var place in new[] { 7, 8, 9, 11, 12 })
        {
            var bytes = good.ToArray();
            bytes[place] ^= 0x10;
            await File.WriteAllBytesAsync(path, bytes);

            ParquetClaims.FitTogether(path).Should().BeFalse($"byte {place} is another one");
        }
    }

    /// <summary>As if reading it had taken more memory than there is.</summary>
    private static Func<int> Reading(string path) => () =>
        ParquetTable.Checked<int>("file.parquet", () => throw new DuckDbReadException("Out of Memory Error: no room", DuckDBErrorType.OutOfMemory), path);

    private async Task<string> WriteAsync(string query, string options)
    {
        var path = Path.Combine(bench.Host.WorkFolder, $"{Guid.NewGuid():N}.parquet");
        using var session = bench.Host.Get<DuckDb>().Open(default);
        await Task.Run(() => session.Execute($"COPY ({query}) TO {Sql.Text(path)} (FORMAT parquet, {options})"));
        return path;
    }
}

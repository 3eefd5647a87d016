using MlOps.Pipeline.Data.Duck;
using MlOps.Pipeline.Definitions;
using MlOps.Testing;

namespace MlOps.Pipeline.Tests.Stages;

/// <summary>A file's name is a name: to DuckDB it would be a pattern, or the end of a text.</summary>
[Collection(AzuriteFixture.Collection)]
public sealed class FileNameTests(AzuriteFixture azurite) : IAsyncLifetime
{
    private static readonly PipelineDefinition Definition = new() { Model = "names", Target = "a" };

    private readonly StageBench bench = new(azurite);

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync() => bench.DisposeAsync().AsTask();

    [Theory]
    [InlineData("rows[1]")]
    [InlineData("rows[!a]")]
    [InlineData("r*s")]
    [InlineData("row?")]
    [InlineData("{a,b}")]
    [InlineData("it's")]
    [InlineData("a]b[")]
    [InlineData("'; DROP TABLE t; --")]
    public async Task A_file_is_read_by_its_name_and_no_other_is(string name)
    {
        if (OperatingSystem.IsWindows() && name.IndexOfAny(['*', '?']) >= 0)
        {
            return;
        }
        var folder = Directory.CreateDirectory(Path.Combine(bench.Host.WorkFolder, $"{Guid.NewGuid():N}-{name}")).FullName;
        foreach (var decoy in new[] { "rows1", "rowsb", "rows", "a", "b", "rs" })
        {
            await File.WriteAllTextAsync(Path.Combine(folder, $"{decoy}.csv"), "a,b\n0,0\n0,0\n0,0\n");
        }
        var csv = Path.Combine(folder, $"{name}.csv");
        await File.WriteAllTextAsync(csv, "a,b\n1.5,2.5\n3.5,4.5\n");
        var parquet = Path.Combine(folder, $"{name}.parquet");
        using (var session = bench.Host.Get<DuckDb>().Open(default))
        {
            session.Copy("SELECT * FROM (VALUES (1.5, 2.5), (3.5, 4.5)) rows(a, b)", parquet);
        }

        foreach (var path in new[] { csv, parquet })
        {
            var raw = await bench.IngestAsync(Definition, path);

            (await bench.RowsAsync(raw.Raw, "a", "b")).Should().BeEquivalentTo(new object?[][] { [1.5, 2.5], [3.5, 4.5] });
        }
    }
}

using System.Globalization;
using System.Text;
using MlOps.Pipeline.Contracts;
using MlOps.Pipeline.Definitions;
using MlOps.Pipeline.Stages.Ingest;

namespace MlOps.Pipeline.Tests.Reading;

/// <summary>However many threads read a file, they find the same.</summary>
public sealed class TextPartsTests : IDisposable
{
    private const int Rows = 120_000;

    private readonly string folder = Directory.CreateTempSubdirectory("mlops-parts-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData(2, "\n")]
    [InlineData(5, "\n")]
    [InlineData(3, "\r\n")]
    public async Task Threads_change_nothing(int threads, string lineEnd)
    {
        var path = Write(lineEnd, quotes: false);

        (await DescribeAsync(path, threads)).Should().BeEquivalentTo(await DescribeAsync(path, 1));
        (await PartsAsync(path, threads)).Should().HaveCountGreaterThan(1).And.HaveCountLessThanOrEqualTo(threads);
    }

    [Fact]
    public async Task What_is_told_has_its_line_in_the_whole_file()
    {
        var path = Write("\n", quotes: false);

        var (_, _, warnings, _) = await DescribeAsync(path, 4);

        warnings.Single(warning => warning.Text.Contains("were left out", StringComparison.Ordinal)).Should()
            .BeEquivalentTo(new { Line = Rows - 19, Count = 2, Example = "ragged" });
        warnings.Single(warning => warning.Column == "odd" && warning.Text.Contains("cannot be read", StringComparison.Ordinal)).Should()
            .BeEquivalentTo(new { Line = Rows - 9, Count = 1, Example = "x12" });
    }

    [Fact]
    public async Task A_text_with_quotes_stays_whole_as_its_cells_may_have_lines() =>
        (await PartsAsync(Write("\n", quotes: true), 4)).Should().Equal(TextPart.Whole);

    /// <summary>What is odd stands near the end, and the first part has nothing to tell.</summary>
    private string Write(string lineEnd, bool quotes)
    {
        var text = new StringBuilder("number,late,odd,day,word").Append(lineEnd);
        for (var i = 1; i <= Rows; i++)
        {
            _ = i == Rows - 20 || i == Rows - 19
                ? text.Append("ragged").Append(lineEnd)
                : text.Append(CultureInfo.InvariantCulture, $"{i * 37 % 9973 / 8.0},{(i < Rows - 5000 ? "" : i % 11)},{(i == Rows - 10 ? "x12" : i % 7)},")
                    .Append(CultureInfo.InvariantCulture, $"{(i > Rows - 100 ? 13 : 1 + (i % 12)):00}/{1 + (i % 12):00}/2026,")
                    .Append(quotes ? $"\"c{i % 5}\"" : $"c{i % 5}").Append(lineEnd);
        }
        var path = Path.Combine(folder, $"{Guid.NewGuid():N}.csv");
        File.WriteAllText(path, text.ToString());
        return path;
    }

    /// <summary>A pass over a large file takes minutes, and whoever cancels the run does not wait for it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Reading_that_is_cancelled_stops(int threads)
    {
        var path = Write("\n", quotes: false);
        using var source = SourceFile.OpenLocal(path);
        var options = new PipelineOptions { WorkFolder = folder, Threads = threads };
        using var scan = await SourceScan.RunAsync(source, options, default);
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        var read = () => new CsvTable(scan, source.Name, new PipelineDefinition { Model = "parts", Target = "number" }, options, cancelled.Token).Dispose();

        read.Should().Throw<OperationCanceledException>().Which.CancellationToken.Should().Be(cancelled.Token);
    }

    [Fact]
    public void Reading_that_is_cancelled_midway_stops_within_a_block()
    {
        using var cancelled = new CancellationTokenSource();
        using var records = new CsvRecords(File.OpenRead(Write("\n", quotes: false)), new CsvDialect((byte)','), cancel: cancelled.Token);
        records.Read().Should().BeTrue();
        cancelled.Cancel();
        var read = 1;

        var rest = () =>
        {
            while (records.Read())
            {
                read++;
            }
        };

        rest.Should().Throw<OperationCanceledException>();
        read.Should().BeLessThan(Rows / 2);
    }

    private async Task<(IReadOnlyList<Data.DatasetColumn> Columns, long Rows, IReadOnlyList<Warning> Warnings, IReadOnlyList<long> Values)> DescribeAsync(
        string path, int threads)
    {
        using var source = SourceFile.OpenLocal(path);
        using var scan = await SourceScan.RunAsync(source, new PipelineOptions { WorkFolder = folder }, default);
        var options = new PipelineOptions { WorkFolder = folder, Threads = threads };
        using var csv = new CsvTable(scan, source.Name, new PipelineDefinition { Model = "parts", Target = "number" }, options, default);
        return (csv.Columns, csv.Rows, csv.Warnings, csv.Values);
    }

    private async Task<IReadOnlyList<TextPart>> PartsAsync(string path, int threads)
    {
        using var source = SourceFile.OpenLocal(path);
        using var scan = await SourceScan.RunAsync(source, new PipelineOptions { WorkFolder = folder }, default);
        return TextParts.Of(scan, new CsvDialect((byte)','), threads);
    }
}
